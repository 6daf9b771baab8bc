import { print } from "../cli/output.ts";
import { quote } from "../cli/parse-arguments.ts";
import { helpOf } from "../cli/program.ts";
import { nearest } from "../config/suggestion.ts";
import { SluiceError } from "../errors/sluice-error.ts";
import { COMMANDS, isCommand } from "./commands.ts";
import { COMMIT, VERSION } from "./version.ts";

/** `sluice`, `sluice --version`, `sluice help [COMMAND]`. Throws USAGE, with a suggestion, for a word that is no command. */
export async function runWithoutCommand(word: string | undefined, args: readonly string[]): Promise<number> {
  switch (word) {
    case "--version":
    case "-V":
    case "version":
      print(`sluice ${VERSION} (${COMMIT})\n`);
      return 0;
    case undefined:
      print(await generalHelp());
      return 2;
    case "--help":
    case "-h":
    case "help":
      if (args[0] !== undefined) return await showHelp(args[0]);
      print(await generalHelp());
      return 0;
  }
  throw unknownCommand(word);
}

export async function showHelp(name: string): Promise<number> {
  if (!isCommand(name)) throw unknownCommand(name);
  print(helpOf(await COMMANDS[name].program()));
  return 0;
}

async function generalHelp(): Promise<string> {
  const programs = await Promise.all(
    Object.entries(COMMANDS).map(async ([name, entry]) => [name, await entry.program()] as const),
  );
  const lines = programs.map(
    ([name, program]) => `  ${name.padEnd(14)}${program.summary() || firstLine(program.description())}`,
  );
  return [
    "Sluice decides which MySQL, MariaDB or Galera server may take traffic, and makes the traffic follow.",
    "",
    "Usage: sluice COMMAND [options]",
    "",
    "Commands:",
    ...lines,
    "",
    "  help COMMAND  options, examples and exit codes of a command",
    "  --version     version and commit",
    "",
    "Called as clustercheck, mysqlchk or connectorchk (a link will do), it is that command.",
    "SLUICE_DEBUG=1 adds the stack to an error.",
    "",
  ].join("\n");
}

const firstLine = (text: string): string => (text.split("\n", 1)[0] ?? "").replace(/\.$/, "");

function unknownCommand(word: string): SluiceError {
  const near = nearest(word.replace(/^-+/, ""), [...Object.keys(COMMANDS), "help"]);
  const hint = near === undefined ? "sluice --help lists the commands" : `did you mean sluice ${near}?`;
  return new SluiceError("USAGE", `${quote(word)} is not a command: ${hint}`);
}
