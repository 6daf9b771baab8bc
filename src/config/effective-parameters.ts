import { parametersOf } from "./compile-object.ts";
import type { ConfigurationObject } from "./configuration.ts";
import type { Parameter } from "./parameter.ts";
import { formatPlace } from "./problem.ts";
import { SCHEMAS } from "./schema/schemas.ts";

/** One parameter of an object with the value it has and where that is from. */
export interface EffectiveParameter {
  readonly name: string;
  /** As it could stand in a file; `***` for a secret; undefined: it is not set, and has no default. */
  readonly value: string | undefined;
  /** `default`, `/etc/sluice.cnf:12`, `$NAME at /etc/sluice.cnf:12`, or `at run time`. */
  readonly from: string;
  readonly parameter: Parameter;
}

/** Every parameter of an object, in the order of its schema. */
export function effectiveParameters(object: ConfigurationObject): readonly EffectiveParameter[] {
  const values = object.parameters as Readonly<Record<string, unknown>>;
  return Object.entries(parametersOf(SCHEMAS[object.kind], object.module)).map(([name, parameter]) => ({
    name,
    value: shown(parameter, values[name]),
    from: origin(object, name),
    parameter,
  }));
}

/** The value in the dialect, for eyes: `***` where it is secret. */
function shown(parameter: Parameter, value: unknown): string | undefined {
  if (value === undefined) return undefined;
  return parameter.secret ? "***" : parameter.type.print(value);
}

function origin(object: ConfigurationObject, name: string): string {
  const given = object.given.get(name);
  if (given === undefined) return "default";
  const place = given.at === undefined ? "at run time" : formatPlace(given.at);
  return given.variable === undefined ? place : `$${given.variable} at ${place}`;
}
