import { Command as Program } from "commander";
import type { ParameterSet } from "../../config/parameter.ts";
import type { ObjectSchema } from "../../config/schema/object-schema.ts";
import { type ObjectKind, SCHEMAS } from "../../config/schema/schemas.ts";
import { programOf } from "../program.ts";
import type { Action, FleetCommand } from "./action.ts";
import { SHORT_OPTIONS } from "./fleet-options.ts";
import { commandSpecOf, findAction } from "./run-action.ts";

/** Help of a command, or of the one action that `words`, what follows the command, leads to. */
export function fleetProgram(command: FleetCommand, words: readonly string[]): Program {
  const [only] = command.actions;
  if (only !== undefined && command.actions.length === 1) return actionProgram(only).summary(command.summary);
  const word = words.find((one) => !one.startsWith("-"));
  if (word !== undefined) return actionProgram(findAction(command, [word]).action);
  const whole = command.actions.find(({ words: own }) => own === command.name);
  const program = whole === undefined ? new Program(`sluice ${command.name}`) : actionProgram(whole);
  const lines = command.actions
    .filter((action) => action !== whole)
    .map((action) => `  ${action.words.padEnd(WIDTH)}${action.summary}`);
  if (whole === undefined) {
    program.summary(command.summary).description(command.summary).usage("WORD [options]").helpOption(false);
  }
  const more = [
    `sluice help ${command.name} WORD shows operands, options and examples of one.`,
    "All take --hosts, --user, --json and the other options of sluice help status.",
  ];
  return program.addHelpText("after", ["", "Words:", ...lines, "", ...more].join("\n"));
}

const WIDTH = 20;

function actionProgram(action: Action): Program {
  const program = programOf(commandSpecOf(action)).helpOption("--help", "display help for command");
  const letters = Object.fromEntries(Object.entries(SHORT_OPTIONS).map(([letter, name]) => [name, letter]));
  for (const option of program.options) {
    const letter = letters[option.long?.slice(2) ?? ""];
    if (letter !== undefined) option.flags = `-${letter}, ${option.flags}`;
  }
  if (action.parameters === undefined) return program;
  return program.addHelpText("after", parametersHelp(action.parameters, action));
}

/** Every parameter that the action's object can have, from the schema that the daemon checks it with. */
function parametersHelp(kind: ObjectKind, action: Action): string {
  const { common, moduleParameter, modules }: ObjectSchema = SCHEMAS[kind];
  const sections = [
    ["Parameters (KEY=VALUE):", common] as const,
    ...Object.entries(modules).map(
      ([module, own]) => [`Parameters of ${moduleParameter ?? "module"} ${module}:`, own] as const,
    ),
  ];
  const notes = action.words.startsWith("create")
    ? [
        "",
        "A password given as - is asked for: password=-",
        "--KEY VALUE is possible where KEY is no option.",
      ]
    : ["", "A password given as - is asked for: password=-"];
  return [...sections.flatMap(([title, set]) => ["", title, ...linesOf(set)]), ...notes].join("\n");
}

function linesOf(set: ParameterSet): readonly string[] {
  return Object.entries(set).flatMap(([name, { type, description, presence, default: standard, fixed }]) => {
    const facts = [
      ...(presence === "required" ? ["required"] : []),
      ...(standard === undefined || standard === "" ? [] : [`default: ${standard}`]),
      ...(fixed ? ["a change takes a restart"] : []),
    ];
    const tail = facts.length === 0 ? "" : ` (${facts.join("; ")})`;
    return [`  ${name}`, `      ${description}`, `      ${type.expected}${tail}`];
  });
}
