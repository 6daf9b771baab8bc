import { allObjects, type Configuration, type ConfigurationObject } from "./configuration.ts";
import { type EffectiveParameter, effectiveParameters } from "./effective-parameters.ts";

/** What a reload would do to one object. An object whose module changes is removed and added. */
export type ObjectChange =
  | { readonly change: "added" | "removed"; readonly object: ConfigurationObject }
  | {
      readonly change: "changed";
      readonly before: ConfigurationObject;
      readonly after: ConfigurationObject;
      readonly parameters: readonly ParameterChange[];
    };

interface ParameterChange {
  readonly name: string;
  /** For eyes: `***` where it is secret; undefined where it is not set. */
  readonly before: string | undefined;
  readonly after: string | undefined;
  /** It takes effect at the next start only. */
  readonly fixed: boolean;
}

/** Removed objects first, listeners and publishers before services before servers: nothing goes before what refers to it. */
export function diffConfigurations(before: Configuration, after: Configuration): readonly ObjectChange[] {
  const old = new Map(allObjects(before).map((object) => [keyOf(object), object]));
  const present = new Map(allObjects(after).map((object) => [keyOf(object), object]));
  const removed = [...old.values()].filter((object) => !present.has(keyOf(object))).reverse();
  return [
    ...removed.map((object) => ({ change: "removed" as const, object })),
    ...[...present].flatMap(([key, object]): ObjectChange[] => {
      const was = old.get(key);
      if (was === undefined) return [{ change: "added", object }];
      const parameters = changedParameters(was, object);
      return parameters.length === 0 ? [] : [{ change: "changed", before: was, after: object, parameters }];
    }),
  ];
}

/** A line for each change: `+ server db3`, `- listener old`, `~ monitor m: rise 1 -> 3, fall 1 -> 2 (at the next start)`. */
export function formatChange(change: ObjectChange): string {
  switch (change.change) {
    case "added":
      return `+ ${title(change.object)}`;
    case "removed":
      return `- ${title(change.object)}`;
    case "changed":
      return `~ ${title(change.after)}: ${change.parameters.map(formatParameter).join(", ")}`;
  }
}

function formatParameter({ name, before, after, fixed }: ParameterChange): string {
  return `${name} ${before ?? "unset"} -> ${after ?? "unset"}${fixed ? " (at the next start)" : ""}`;
}

function title({ kind, name }: ConfigurationObject): string {
  return kind === "sluice" ? "sluice" : `${kind} ${name}`;
}

function keyOf({ kind, module, name }: ConfigurationObject): string {
  return [kind, module ?? "", name].join("\n");
}

function changedParameters(
  before: ConfigurationObject,
  after: ConfigurationObject,
): readonly ParameterChange[] {
  const old = new Map(effectiveParameters(before).map((effective) => [effective.name, effective]));
  return effectiveParameters(after).flatMap((effective): ParameterChange[] => {
    const { name, value, parameter } = effective;
    const was = old.get(name)?.value;
    if (!parameter.secret && was === value) return [];
    if (parameter.secret && sameSecret(before, after, effective)) return [];
    return [{ name, before: was, after: value, fixed: parameter.fixed }];
  });
}

function sameSecret(
  before: ConfigurationObject,
  after: ConfigurationObject,
  { name, parameter }: EffectiveParameter,
): boolean {
  const text = (object: ConfigurationObject) => {
    const value = (object.parameters as Readonly<Record<string, unknown>>)[name];
    return value === undefined ? undefined : parameter.type.print(value);
  };
  return text(before) === text(after);
}
