import { firstOperand } from "../cli/fleet/first-operand.ts";
import { isFleetCommand } from "../cli/fleet/fleet-commands.ts";
import { FLEET_OPTIONS } from "../cli/fleet/fleet-options.ts";
import { print } from "../cli/output.ts";
import { quote } from "../cli/parse-arguments.ts";
import { helpOf } from "../cli/program.ts";
import { nearest } from "../config/suggestion.ts";
import { SluiceError } from "../errors/sluice-error.ts";
import { COMMANDS, type CommandName, isCommand } from "./commands.ts";
import { COMMIT, VERSION } from "./version.ts";

/** `sluice`, `sluice --version`, `sluice help [COMMAND]`. Throws USAGE, with a suggestion, for a word that is no command. */
export async function runWithoutCommand(word: string | undefined, args: readonly string[]): Promise<number> {
  const behindOptions = word?.startsWith("-") ? commandBehindOptions([word, ...args]) : undefined;
  if (behindOptions !== undefined) return await COMMANDS[behindOptions.name].run(behindOptions.args);
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
      if (args[0] !== undefined) return await showHelp(args[0], args.slice(1));
      print(await generalHelp());
      return 0;
  }
  throw unknownCommand(word);
}

export async function showHelp(name: string, words: readonly string[]): Promise<number> {
  if (!isCommand(name)) throw unknownCommand(name);
  print(helpOf(await COMMANDS[name].program(words)));
  return 0;
}

/** `-h lb1:8989 list servers`: maxctrl's options may stand before the command. */
function commandBehindOptions(args: readonly string[]) {
  const at = firstOperand(args, FLEET_OPTIONS);
  const name = at === undefined ? undefined : args[at];
  if (name === undefined || !isFleetCommand(name)) return undefined;
  return { name, args: args.filter((_, index) => index !== at) };
}

async function generalHelp(): Promise<string> {
  const names = Object.keys(COMMANDS) as readonly CommandName[];
  const isOfFleet = (name: CommandName): boolean => isFleetCommand(name) && name !== "explain";
  return [
    "Sluice decides which MySQL, MariaDB or Galera server may take traffic, and makes the traffic follow.",
    "",
    "Usage: sluice COMMAND [options]",
    "",
    "Commands:",
    ...(await summaries(names.filter((name) => !isOfFleet(name)))),
    "",
    "Commands for the fleet that `sluice run` watches, in maxctrl's grammar (sluice list servers):",
    ...(await summaries(names.filter(isOfFleet))),
    "",
    "  help COMMAND  operands, options, examples and exit codes of a command",
    "  --version     version and commit",
    "",
    "Called as clustercheck, mysqlchk, connectorchk, mysqlchk_iptables, glbd, maxping or maxify (a link will do), it is that command.",
    "SLUICE_DEBUG=1 adds the stack to an error.",
    "",
  ].join("\n");
}

async function summaries(names: readonly CommandName[]): Promise<readonly string[]> {
  const programs = await Promise.all(names.map((name) => COMMANDS[name].program([])));
  return programs.map((program, index) => {
    const summary = program.summary() || firstLine(program.description());
    return `  ${(names[index] ?? "").padEnd(18)}${summary}`;
  });
}

const firstLine = (text: string): string => (text.split("\n", 1)[0] ?? "").replace(/\.$/, "");

function unknownCommand(word: string): SluiceError {
  const near = nearest(word.replace(/^-+/, ""), [...Object.keys(COMMANDS), "help"]);
  const hint = near === undefined ? "sluice --help lists the commands" : `did you mean sluice ${near}?`;
  return new SluiceError("USAGE", `${quote(word)} is not a command: ${hint}`);
}
