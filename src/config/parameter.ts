import type { Secret } from "./secret.ts";
import { secret } from "./values/text.ts";
import type { ValueType } from "./values/value-type.ts";

/**
 * One parameter of an object type. Its one definition drives the parser, `--help`, REST, the JSON Schema and the documents.
 * `P` says what an object has where the file says nothing: an error, the default, or undefined.
 */
export interface Parameter<T = unknown, P extends Presence = Presence> {
  readonly type: ValueType<T>;
  readonly presence: P;
  readonly description: string;
  /** In the dialect, as it would stand in the file. */
  readonly default: string | undefined;
  /** A change takes a restart. */
  readonly fixed: boolean;
  /** Write-only: never shown. */
  readonly secret: boolean;
  /** It is read and kept, and nothing follows from it yet. */
  readonly planned: boolean;
}

export type Presence = "required" | "default" | "optional";

export type ParameterSet = Readonly<Record<string, Parameter>>;

/** The typed values of an object: durations in milliseconds, sizes in bytes, lists as arrays. */
export type Values<S> = {
  readonly [K in keyof S]: S[K] extends Parameter<infer T, infer P>
    ? T | (P extends "optional" ? undefined : never)
    : never;
};

export function required<T>(type: ValueType<T>, description: string): Parameter<T, "required"> {
  return {
    type,
    presence: "required",
    description,
    default: undefined,
    fixed: false,
    secret: false,
    planned: false,
  };
}

export function defaulted<T>(
  type: ValueType<T>,
  value: string,
  description: string,
): Parameter<T, "default"> {
  return {
    type,
    presence: "default",
    description,
    default: value,
    fixed: false,
    secret: false,
    planned: false,
  };
}

export function optional<T>(type: ValueType<T>, description: string): Parameter<T, "optional"> {
  return {
    type,
    presence: "optional",
    description,
    default: undefined,
    fixed: false,
    secret: false,
    planned: false,
  };
}

export function optionalSecret(description: string): Parameter<Secret, "optional"> {
  return { ...optional(secret(), description), secret: true };
}

export function fixed<T, P extends Presence>(parameter: Parameter<T, P>): Parameter<T, P> {
  return { ...parameter, fixed: true };
}

/** Files that have it are accepted, with a warning where it asks for something. */
export function planned<T, P extends Presence>(parameter: Parameter<T, P>): Parameter<T, P> {
  return { ...parameter, description: `${parameter.description} Without effect as yet.`, planned: true };
}
