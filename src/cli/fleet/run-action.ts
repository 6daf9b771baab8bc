import { nearest } from "../../config/suggestion.ts";
import { text } from "../../config/values/text.ts";
import { SluiceError } from "../../errors/sluice-error.ts";
import { type CommandSpec, type OptionTable, option } from "../command.ts";
import { parseArguments, quote } from "../parse-arguments.ts";
import { type Action, type FleetCommand, formOfOperands, type Given, type Operand } from "./action.ts";
import { canonicalArguments } from "./canonical-arguments.ts";
import { firstOperand } from "./first-operand.ts";
import { openFleet, type Surroundings } from "./fleet.ts";
import { FLEET_OPTIONS, type FleetOptions } from "./fleet-options.ts";

/** Runs what the words after the command's own say; resolves to the exit code. */
export async function runFleetCommand(
  command: FleetCommand,
  args: readonly string[],
  surroundings: Surroundings,
): Promise<number> {
  const { action, rest } = findAction(command, args);
  const given = await readArguments(action, rest);
  const fleet = openFleet(given.values as FleetOptions, surroundings);
  try {
    await action.run(given, fleet);
    return 0;
  } catch (error) {
    if (error instanceof SluiceError && fleet.output.mode === "json") {
      fleet.output.document({ errors: [{ code: error.code, detail: error.message }] }, () => "");
    }
    throw error;
  }
}

/** Which action is meant, and the arguments without its second word. Throws USAGE with a suggestion. */
export function findAction(
  command: FleetCommand,
  args: readonly string[],
): { readonly action: Action; readonly rest: readonly string[] } {
  const whole = command.actions.find(({ words }) => words === command.name);
  const at = firstOperand(args, FLEET_OPTIONS); // options may stand before the second word
  const word = at === undefined ? undefined : args[at];
  if (whole !== undefined && (word === undefined || command.actions.length === 1)) {
    return { action: whole, rest: args };
  }
  const action = command.actions.find(({ words }) => words === `${command.name} ${word}`);
  if (action !== undefined) return { action, rest: args.filter((_, index) => index !== at) };
  throw new SluiceError("USAGE", unknownWord(command, word));
}

function unknownWord(command: FleetCommand, word: string | undefined): string {
  const known = command.actions
    .map(({ words }) => words.slice(command.name.length + 1))
    .filter((second) => second !== "");
  if (word === undefined) return `one word is missing: sluice ${command.name} ${known.join("|")}`;
  const near = nearest(word, known);
  return near === undefined
    ? `${quote(word)} is nothing to ${command.name}: sluice ${command.name} ${known.join("|")}`
    : `${quote(word)} is nothing to ${command.name}: did you mean sluice ${command.name} ${near}?`;
}

async function readArguments(action: Action, args: readonly string[]): Promise<Given<OptionTable>> {
  const { parameters: kind } = action;
  const { isParameter } = await import("./parameter-arguments.ts");
  const isKnown = (name: string): boolean => kind !== undefined && isParameter(kind, name);
  const canonical = canonicalArguments(action, args, isKnown);
  const { values, operands } = parseArguments(commandSpecOf(action), canonical);
  return { values, ...splitOperands(action, operands) };
}

/** An action as cli/ describes a command. */
export function commandSpecOf(action: Action): CommandSpec {
  const { words, summary, details = [], operands, lists = {}, examples } = action;
  const isEndless = action.parameters !== undefined || operands.some(({ arity }) => isMany(arity));
  const listOptions = Object.entries(lists).map(([name, of]): [string, OptionTable[string]] => [
    name,
    option(`${of}...`, text(`names of ${of}`), `${of} to link it to`),
  ]);
  return {
    name: words,
    summary,
    details,
    operands: formOfOperands(action),
    maxOperands: isEndless ? Number.POSITIVE_INFINITY : operands.length,
    options: { ...action.options, ...Object.fromEntries(listOptions), ...FLEET_OPTIONS },
    examples,
    exitCodes: EXIT_CODES,
  };
}

const EXIT_CODES: CommandSpec["exitCodes"] = [
  [0, "done"],
  [1, "refused, or there is no such object"],
  [2, "the command line, a parameter or an option file is wrong"],
  [3, "no daemon answers, or not in time"],
  [4, "not permitted"],
];

/** Gives each operand its word; what is left is parameters. Throws USAGE for a missing one. */
function splitOperands(
  action: Action,
  words: readonly string[],
): { operands: readonly string[]; parameters: readonly string[] } {
  const rest = [...words];
  const operands: string[] = [];
  for (const { name, of, arity } of action.operands) {
    const isAbsent = rest[0] === undefined || (arity === "optional" && /^[\w.@-]+=/.test(rest[0]));
    if (isAbsent && (arity === "one" || arity === "some")) {
      throw new SluiceError(
        "USAGE",
        `${name} is missing; the form is: sluice ${action.words} ${formOfOperands(action)}`,
      );
    }
    if (isAbsent) continue;
    const taken = rest.splice(0, isMany(arity) ? rest.length : 1);
    if (Array.isArray(of)) for (const word of taken) checkWord(word, name, of);
    operands.push(...taken);
  }
  return { operands, parameters: rest };
}

const isMany = (arity: Operand["arity"]): boolean => arity === "some" || arity === "any";

function checkWord(word: string, name: string, possible: readonly string[]): void {
  if (possible.includes(word)) return;
  const near = nearest(word, possible);
  const right = near === undefined ? `expected ${possible.join(", ")}` : `did you mean ${near}?`;
  throw new SluiceError("USAGE", `${quote(word)} is no ${name}: ${right}`);
}
