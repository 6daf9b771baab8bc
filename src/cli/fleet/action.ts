/**
 * cli/fleet/: the commands for a whole fleet, in maxctrl's grammar. They go through client/rest/ and nothing else; of the
 * rest of the program they read config/schema/ (names and help of parameters), and the file and the terminal that give
 * the credentials.
 *
 *   sluice create server db1 address=10.0.0.1        FleetCommand "create"
 *          │      │      │   └─ parameters              └─ Action "create server": operands, options, run
 *          │      │      └─ operand                          └─ Fleet ─▶ Daemons ─▶ table | tsv | json
 *          └──────┴─ words
 *
 * The same tables drive parsing, help, suggestions and shell completion.
 */
import type { Collection } from "../../client/rest/collections.ts";
import type { ObjectKind } from "../../config/schema/schemas.ts";
import type { OptionTable, OptionValues } from "../command.ts";
import type { Fleet } from "./fleet.ts";

/** A word that a command takes besides its options. */
export interface Operand {
  /** As help shows it: `SERVER`. */
  readonly name: string;
  /** What it may be: the name of an object, one of some words, or anything. */
  readonly of: Collection | readonly string[] | "anything";
  readonly arity: "one" | "optional" | "some" | "any";
}

export const one = (name: string, of: Operand["of"] = "anything"): Operand => ({ name, of, arity: "one" });
export const optional = (name: string, of: Operand["of"] = "anything"): Operand => ({
  name,
  of,
  arity: "optional",
});
/** As many as are given, or none. */
export const any = (name: string, of: Operand["of"] = "anything"): Operand => ({ name, of, arity: "any" });
/** One or more. */
export const some = (name: string, of: Operand["of"] = "anything"): Operand => ({ name, of, arity: "some" });

export interface ActionSpec<O extends OptionTable> {
  /** `create server`, or the one word of a command that has no second. */
  readonly words: string;
  /** One line, without a full stop. */
  readonly summary: string;
  readonly details?: readonly string[];
  readonly operands: readonly Operand[];
  /** Besides those that every action has. */
  readonly options: O;
  /** Options whose value is names of objects: `--servers a b c`, `--servers a,b,c`. */
  readonly lists?: Readonly<Record<string, Collection>>;
  /** The object whose parameters follow the operands, as `key=value`. */
  readonly parameters?: ObjectKind;
  readonly examples: readonly (readonly [line: string, what: string])[];
}

/** What was given to an action. */
export interface Given<O extends OptionTable> {
  readonly values: OptionValues<O>;
  readonly operands: readonly string[];
  /** What followed the operands, where the action takes parameters. */
  readonly parameters: readonly string[];
}

export interface Action extends ActionSpec<OptionTable> {
  run(given: Given<OptionTable>, fleet: Fleet): Promise<void>;
}

/** Ties a spec to what it does, with its options typed. */
export function action<const O extends OptionTable>(
  spec: ActionSpec<O>,
  run: (given: Given<O>, fleet: Fleet) => Promise<void>,
): Action {
  return { ...spec, run: (given, fleet) => run(given as Given<O>, fleet) };
}

/** Everything that begins with one word. */
export interface FleetCommand {
  readonly name: string;
  /** One line, without a full stop. */
  readonly summary: string;
  readonly actions: readonly Action[];
}

/** `SERVER [STATE]`, `SERVICE SERVER... [KEY=VALUE...]` */
export function formOfOperands({ operands, parameters }: Action): string {
  const words = operands.map(({ name, arity }) => FORMS[arity](name));
  return [...words, ...(parameters === undefined ? [] : ["[KEY=VALUE...]"])].join(" ");
}

const FORMS: Readonly<Record<Operand["arity"], (name: string) => string>> = {
  one: (name) => name,
  optional: (name) => `[${name}]`,
  some: (name) => `${name}...`,
  any: (name) => `[${name}...]`,
};
