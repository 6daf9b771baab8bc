/**
 * monitor/script/: what `script=` of a monitor runs at an event. May import topology/, errors/ and telemetry/.
 *
 *   script=  ─▶ parseCommandLine ─▶ words ─┐
 *   change of a server ─▶ scriptVariables ─┴▶ substitute ─▶ ScriptProcess ─▶ OutputLines ─▶ log
 */
import { SluiceError } from "../../errors/sluice-error.ts";

/** MaxScale's placeholders. Each stands for what scriptVariables says, wherever it is in a word. */
export const VARIABLE_NAMES = [
  "INITIATOR",
  "PARENT",
  "CHILDREN",
  "EVENT",
  "LIST",
  "NODELIST",
  "MASTERLIST",
  "SLAVELIST",
  "SYNCEDLIST",
] as const;

export type ScriptVariables = Readonly<Record<(typeof VARIABLE_NAMES)[number], string>>;

const VARIABLE = new RegExp(`\\$(${VARIABLE_NAMES.join("|")})(?![A-Za-z0-9])`, "g");

/** A blank, a quoted part, an escaped character, or plain text. */
const TOKEN = /(\s+)|'([^']*)'|"((?:[^"\\]|\\.)*)"|\\(.)|([^\s'"\\]+)/gsy;

/**
 * The words of a command line: blanks part them, quotes of both kinds and backslashes keep blanks together. No shell
 * ever reads it. Throws CONFIG_INVALID.
 */
export function parseCommandLine(text: string): readonly string[] {
  // MaxScale once put user:password there. Arguments of a process are open to every user of the host.
  if (/\$CREDENTIALS(?![A-Za-z0-9])/.test(text)) {
    throw new SluiceError(
      "CONFIG_INVALID",
      "script: $CREDENTIALS is not given, because every user of the host can read the arguments of a process; " +
        "let the script read an account of its own from a file of mode 0600 (--defaults-extra-file)",
    );
  }
  const words: string[] = [];
  let word: string | undefined;
  let end = 0;
  for (const { 0: token, 1: blank, 2: single, 3: double, 4: escaped, 5: plain } of text.matchAll(TOKEN)) {
    end += token.length;
    if (blank === undefined) {
      word = (word ?? "") + (single ?? double?.replace(/\\(["\\])/g, "$1") ?? escaped ?? plain ?? "");
    } else if (word !== undefined) {
      words.push(word);
      word = undefined;
    }
  }
  if (end < text.length) {
    const rest = text.slice(end);
    const what = rest.startsWith("\\") ? "ends with a lone backslash" : `has no closing ${rest[0]}`;
    throw new SluiceError("CONFIG_INVALID", `script: the command line ${what}: ${rest}`);
  }
  if (word !== undefined) words.push(word);
  if (!words[0]) throw new SluiceError("CONFIG_INVALID", "script: there is no command; leave script out");
  return words;
}

/** Puts the values in. A word stays one argument, whatever is in the value; one without a value stays as an empty one. */
export function substitute(words: readonly string[], variables: ScriptVariables): readonly string[] {
  return words.map((word) => word.replace(VARIABLE, (_, name: keyof ScriptVariables) => variables[name]));
}
