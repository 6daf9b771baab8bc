import { type Collection, isCollection } from "../../client/rest/collections.ts";
import { parametersOf } from "../../config/compile-object.ts";
import { own } from "../../config/own.ts";
import type { Parameter, ParameterSet } from "../../config/parameter.ts";
import type { ObjectSchema } from "../../config/schema/object-schema.ts";
import { type ObjectKind, SCHEMAS } from "../../config/schema/schemas.ts";
import type { JsonSchema, ValueType } from "../../config/values/value-type.ts";
import type { Option, OptionTable } from "../command.ts";
import type { Action, Operand } from "../fleet/action.ts";
import { SHORT_OPTIONS } from "../fleet/fleet-options.ts";
import { commandSpecOf } from "../fleet/run-action.ts";
import { type Candidate, type Completion, candidates } from "./candidate.ts";

/** The names of what the daemon has; none where it does not answer in time. */
export type NameSource = (collection: Collection) => Promise<readonly string[]>;

const COLLECTION_OF: Readonly<Record<string, Collection>> = {
  server: "servers",
  service: "services",
  monitor: "monitors",
};

/** What may follow `typed`, the words behind those of the action; `last` is the one the cursor is in. */
export async function completeAction(
  action: Action,
  typed: readonly string[],
  last: string,
  names: NameSource,
): Promise<Completion> {
  const { options } = commandSpecOf(action);
  const waiting = waitingOption(options, typed);
  if (waiting !== undefined) return await valuesOf(waiting, names);
  if (last.startsWith("-")) return optionNames(options);
  const words = operandsIn(options, typed);
  const operand = operandAt(action, words.length);
  const isValue = action.parameters !== undefined && last.includes("=");
  const ofOperand = operand === undefined || isValue ? [] : await operandWords(operand, names);
  if (action.parameters === undefined || operand?.arity === "one") return ofOperand;
  const [, module] = words;
  return [...ofOperand, ...(await parameterWords(action.parameters, module, last, names))];
}

/** The option whose value is being typed. */
function waitingOption(options: OptionTable, typed: readonly string[]): Option | undefined {
  const previous = typed.at(-1) ?? "";
  if (!previous.startsWith("-") || previous.includes("=")) return undefined;
  const option = own(options, own(SHORT_OPTIONS, previous.slice(1)) ?? previous.slice(2));
  return option?.placeholder === undefined ? undefined : option;
}

/** An option's placeholder says what its value is: a file, the name of an object, or one of some words. */
async function valuesOf({ placeholder = "", type }: Option, names: NameSource): Promise<Completion> {
  if (placeholder === "file") return "files";
  const collection = placeholder.replace("...", "");
  return candidates(isCollection(collection) ? await names(collection) : choicesOf(type));
}

/** The words that a type allows, where it allows no others; also inside a list. */
function choicesOf(type: ValueType<unknown> | undefined): readonly string[] {
  const { anyOf = [] } = (type?.json ?? {}) as {
    readonly anyOf?: readonly { readonly items?: JsonSchema }[];
  };
  const choices = type?.json["enum"] ?? anyOf[0]?.items?.["enum"];
  return Array.isArray(choices) ? [...new Set(choices.map(String))] : [];
}

const optionNames = (options: OptionTable): readonly Candidate[] =>
  Object.entries(options).map(([name, { summary }]) => ({ word: `--${name}`, description: summary }));

/** The words that are neither options nor their values. */
function operandsIn(options: OptionTable, typed: readonly string[]): readonly string[] {
  return typed.filter(
    (word, index) => !word.startsWith("-") && waitingOption(options, typed.slice(0, index)) === undefined,
  );
}

function operandAt({ operands }: Action, index: number): Operand | undefined {
  const last = operands.at(-1);
  return operands[index] ?? (last?.arity === "some" || last?.arity === "any" ? last : undefined);
}

async function operandWords({ of }: Operand, names: NameSource): Promise<readonly Candidate[]> {
  if (of === "anything") return [];
  return candidates(typeof of === "string" ? await names(of) : of);
}

/** `key=` for each parameter; behind the equals sign what its type allows. */
async function parameterWords(
  kind: ObjectKind,
  module: string | undefined,
  last: string,
  names: NameSource,
): Promise<readonly Candidate[]> {
  const set = parameterSet(SCHEMAS[kind], module);
  const [, key = ""] = /^([\w.-]+)=/.exec(last) ?? [];
  const parameter = own(set, key);
  if (parameter !== undefined) return await parameterValues(key, parameter, names);
  return Object.entries(set).map(([name, { description }]) => ({ word: `${name}=`, description }));
}

/** Those of the module, where the line names it; else those of all. */
function parameterSet(schema: ObjectSchema, module: string | undefined): ParameterSet {
  if (module !== undefined && own(schema.modules, module) !== undefined) return parametersOf(schema, module);
  return Object.assign({}, ...Object.values(schema.modules), schema.common);
}

async function parameterValues(
  key: string,
  { type }: Parameter,
  names: NameSource,
): Promise<readonly Candidate[]> {
  const words = [...choicesOf(type)];
  for (const kind of type.refersTo ?? []) {
    const collection = own(COLLECTION_OF, kind);
    if (collection !== undefined) words.push(...(await names(collection)));
  }
  return candidates(words.map((word) => `${key}=${word}`));
}
