/**
 * The assignments of a file that a shell script would source: `NAME=value`, quoted in any way or not, with or without
 * `export`. Nothing is expanded or executed; lines that are no assignment are passed over. The last of several wins.
 */
export function parseShellVariables(text: string): ReadonlyMap<string, string> {
  const variables = new Map<string, string>();
  for (const line of text.split(/\r?\n/)) {
    const [, name, written] = /^\s*(?:export\s+)?([A-Za-z_]\w*)=(.*)$/.exec(line) ?? [];
    if (name !== undefined && written !== undefined) variables.set(name, unquote(written));
  }
  return variables;
}

// One piece of a word: '…' as it stands, "…" with its escapes, \x, or plain characters. Anything else ends the word.
const PIECE = /'([^']*)'|"((?:\\.|[^"\\])*)"|\\(.)|([^\s'"\\;&|<>()]+)/y;

function unquote(written: string): string {
  let value = "";
  PIECE.lastIndex = 0;
  for (let piece = PIECE.exec(written); piece !== null; piece = PIECE.exec(written)) {
    const [, single, double, escaped, plain] = piece;
    value += single ?? double?.replace(/\\([$`"\\])/g, "$1") ?? escaped ?? plain ?? "";
  }
  return value;
}
