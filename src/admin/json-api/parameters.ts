import { parametersOf } from "../../config/compile-object.ts";
import type { ConfigurationObject } from "../../config/configuration.ts";
import type { Parameter } from "../../config/parameter.ts";
import type { ObjectSchema } from "../../config/schema/object-schema.ts";
import { isSecret, type ObjectKind, SCHEMAS } from "../../config/schema/schemas.ts";
import { SluiceError } from "../../errors/sluice-error.ts";

/** Stands for every secret that is set: they can be written and never read. Sent back, it changes nothing. */
const HIDDEN = "*****";

/** References that JSON:API tells as relationships. */
const RELATIONS: Readonly<Partial<Record<ObjectKind, ReadonlySet<string>>>> = {
  monitor: new Set(["servers"]),
  service: new Set(["servers", "targets", "cluster"]),
};

/** Every parameter of an object as MaxScale types it: durations are texts in ms, what is not set is null. */
export function parametersDocument(object: ConfigurationObject): Readonly<Record<string, unknown>> {
  const { kind, module } = object;
  const schema: ObjectSchema = SCHEMAS[kind];
  const values = object.parameters as Readonly<Record<string, unknown>>;
  const shown = Object.entries(parametersOf(schema, module))
    .filter(([name]) => RELATIONS[kind]?.has(name) !== true)
    .map(([name, parameter]): [string, unknown] => [name, jsonValue(parameter, values[name])]);
  return {
    ...(kind === "sluice" ? {} : { type: kind }),
    ...(schema.moduleParameter === undefined ? {} : { [schema.moduleParameter]: module }),
    ...Object.fromEntries(shown),
  };
}

export function jsonValue({ type, secret }: Parameter, value: unknown): unknown {
  if (value === undefined) return null;
  if (secret) return HIDDEN;
  if (typeof value === "number") return type.unit === "ms" ? `${value}ms` : value;
  if (typeof value === "boolean" || typeof value === "string") return value;
  const text = type.print(value);
  return /^\d+$/.test(text) ? Number(text) : text;
}

/** What a request says of parameters, in the dialect's words: null is "back to the default". */
export type ParameterTexts = ReadonlyMap<string, string | null>;

/**
 * Reads `attributes.parameters` of a new object. Old names become present ones. Throws REQUEST_INVALID for what is no parameter at
 * all; whether name and value are right is for the configuration to say.
 */
export function newParameters(
  kind: ObjectKind,
  given: Readonly<Record<string, unknown>>,
): ReadonlyMap<string, string> {
  const texts = [...parameterTexts(kind, given)].filter(
    (entry): entry is [string, string] => entry[1] !== null,
  );
  const hidden = texts.find(([name, text]) => text === HIDDEN && isSecret(kind, name));
  if (hidden !== undefined) {
    const message = `data.attributes.parameters.${hidden[0]}: ${HIDDEN} stands for a password that is not shown; give the password`;
    throw new SluiceError("REQUEST_INVALID", message);
  }
  return new Map(texts);
}

/** Reads `attributes.parameters` of a change, without what is as it was. REFUSED for what only a restart can change. */
export function changedParameters(
  object: ConfigurationObject,
  given: Readonly<Record<string, unknown>>,
): ParameterTexts {
  const { kind, module } = object;
  const schema: ObjectSchema = SCHEMAS[kind];
  const set = parametersOf(schema, module);
  const changes = new Map<string, string | null>();
  for (const [name, written] of parameterTexts(kind, given)) {
    if (name === schema.moduleParameter) {
      if (written !== module) {
        throw new SluiceError(
          "REFUSED",
          `${name} cannot be changed: destroy ${object.name} and create it anew`,
        );
      }
      continue;
    }
    const parameter = Object.hasOwn(set, name) ? set[name] : undefined;
    // `script=` is how one takes a text back; an empty list is a value of its own.
    const text = written === "" && parameter?.type.emptyIsValue !== true ? null : written;
    if (text === HIDDEN && parameter?.secret) continue;
    if (parameter === undefined && text === null) {
      throw new SluiceError("REQUEST_INVALID", `${name}: ${object.name} has no such parameter`);
    }
    if (parameter !== undefined && isAsBefore(object, name, parameter, text)) continue;
    if (parameter?.fixed) {
      const message = `${name} cannot be changed while it runs: change it in the configuration file and restart`;
      throw new SluiceError("REFUSED", message);
    }
    changes.set(name, text);
  }
  return changes;
}

function parameterTexts(kind: ObjectKind, given: Readonly<Record<string, unknown>>): ParameterTexts {
  const { renamed }: ObjectSchema = SCHEMAS[kind];
  const texts = new Map<string, string | null>();
  for (const [written, value] of Object.entries(given)) {
    if (written === "type" && value === kind) continue;
    const name = Object.hasOwn(renamed, written) ? (renamed[written] ?? written) : written;
    if (texts.has(name)) {
      throw new SluiceError("REQUEST_INVALID", `data.attributes.parameters: ${name} is there twice`);
    }
    texts.set(name, textOf(written, value));
  }
  return texts;
}

function textOf(name: string, value: unknown): string | null {
  if (value === null) return null;
  if (Array.isArray(value) && value.every((item) => typeof item === "string" || typeof item === "number")) {
    return value.join(",");
  }
  if (typeof value === "string" || typeof value === "number" || typeof value === "boolean")
    return String(value);
  const message = `data.attributes.parameters.${name}: expected a text, a number, true, false, null or a list`;
  throw new SluiceError("REQUEST_INVALID", message);
}

function isAsBefore(
  object: ConfigurationObject,
  name: string,
  parameter: Parameter,
  text: string | null,
): boolean {
  if (text === null) return !object.given.has(name);
  const parsed = parameter.type.parse(text);
  const value = (object.parameters as Readonly<Record<string, unknown>>)[name];
  if (!parsed.ok || value === undefined) return false;
  return parameter.type.print(parsed.value) === parameter.type.print(value);
}
