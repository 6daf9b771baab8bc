import type { Links, ParameterTexts } from "../../client/rest/changes.ts";
import { own } from "../../config/own.ts";
import type { ParameterSet } from "../../config/parameter.ts";
import type { ObjectSchema } from "../../config/schema/object-schema.ts";
import { isSecret, type ObjectKind, SCHEMAS } from "../../config/schema/schemas.ts";
import type { Secret } from "../../config/secret.ts";
import { splitList } from "../../config/values/text.ts";
import { SluiceError } from "../../errors/sluice-error.ts";
import { quote } from "../parse-arguments.ts";

/** What an object is to become: its parameters, and what REST tells as relationships. */
export interface ParameterArguments {
  readonly parameters: ParameterTexts;
  readonly links: Links;
}

/** Parameters that name other objects, which JSON:API has as relationships. */
const RELATIONSHIPS: Readonly<Partial<Record<ObjectKind, Readonly<Record<string, string>>>>> = {
  monitor: { servers: "servers" },
  service: { servers: "servers", cluster: "monitors" },
};

/** Is it a parameter of this type of object, of whichever module, under its present or an old name? */
export function isParameter(kind: ObjectKind, name: string): boolean {
  const { common, modules, renamed }: ObjectSchema = SCHEMAS[kind];
  const sets: readonly ParameterSet[] = [common, ...Object.values(modules)];
  return sets.some((set) => Object.hasOwn(set, name)) || Object.hasOwn(renamed, name);
}

/**
 * Reads `key=value`, and `key value` as maxctrl's alter has it. Whether name and value are right is for the daemon to say:
 * it may be of another version. Throws USAGE for a word that is neither.
 */
export function readPairs(words: readonly string[], mayBeApart: boolean): ReadonlyMap<string, string> {
  const pairs = new Map<string, string>();
  const rest = [...words];
  for (let word = rest.shift(); word !== undefined; word = rest.shift()) {
    const [, together, inside = ""] = /^([\w.@-]+)=(.*)$/s.exec(word) ?? [];
    const key = (together ?? word).replaceAll("-", "_");
    const value = together !== undefined ? inside : mayBeApart ? rest.shift() : undefined;
    if (value === undefined) {
      throw usage(`${quote(word)} has no value: parameters are given as ${quote(key)}=VALUE`);
    }
    if (pairs.has(key)) throw usage(`${key} is there twice`);
    pairs.set(key, value);
  }
  return pairs;
}

/** A secret whose value is `-` is asked for: what stands on a command line can be read by others and stays in the history. */
export async function withSecrets(
  kind: ObjectKind,
  pairs: ReadonlyMap<string, string>,
  askSecret: (name: string) => Promise<Secret>,
): Promise<ReadonlyMap<string, string>> {
  const complete = new Map(pairs);
  for (const [name, value] of pairs) {
    if (value === "-" && isSecret(kind, name)) complete.set(name, (await askSecret(name)).reveal());
  }
  return complete;
}

/** Which pairs show a password that is readable as it stands. */
export function plainSecrets(kind: ObjectKind, pairs: ReadonlyMap<string, string>): readonly string[] {
  return [...pairs].flatMap(([name, value]) =>
    isSecret(kind, name) && value !== "-" && value !== "" && !ENCRYPTED.test(value) ? [name] : [],
  );
}

/** Ours, MaxScale's, and that of MaxScale 2.1. */
const ENCRYPTED = /^(aes256gcm:.*|([0-9a-f]{32})+)$/i;

/** Splits what REST has as relationships from the rest. */
export function splitLinks(kind: ObjectKind, pairs: ReadonlyMap<string, string>): ParameterArguments {
  const relations = RELATIONSHIPS[kind] ?? {};
  const entries = [...pairs];
  const links = entries.flatMap(([name, value]) => {
    const type = own(relations, name);
    return type === undefined ? [] : [[type, splitList(value)] as const];
  });
  const parameters = entries.filter(([name]) => own(relations, name) === undefined);
  return { parameters: Object.fromEntries(parameters), links: Object.fromEntries(links) };
}

const usage = (message: string): SluiceError => new SluiceError("USAGE", message);
