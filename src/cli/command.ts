/**
 * cli/: the commands a person or a script calls. May import everything but main/. One file per command in commands/ and
 * personas/; each holds its spec (plain data) and its run function, and imports what is heavy only when it gets there:
 * a health check is started several times a second, and start-up is most of its cost.
 *
 *   main/sluice.ts ─name─▶ Command ─parseArguments(spec)─▶ run ─▶ exit code
 *                             └─ spec ─▶ help, suggestions, manual page
 */
import type { ValueType } from "../config/values/value-type.ts";

export interface Command {
  readonly spec: CommandSpec;
  /** Resolves to the exit code; rejects with a SluiceError, whose code tells it. */
  run(args: readonly string[]): Promise<number>;
}

export interface CommandSpec<O extends OptionTable = OptionTable> {
  readonly name: string;
  /** One line, without a full stop. */
  readonly summary: string;
  /** Paragraphs of further help. */
  readonly details?: readonly string[];
  /** As in help: `on|off|drain`, `[USER [PASSWORD]]`; empty: there are none. */
  readonly operands: string;
  readonly maxOperands: number;
  readonly options: O;
  readonly examples: readonly (readonly [line: string, what: string])[];
  readonly exitCodes: readonly (readonly [code: number, meaning: string])[];
}

export interface Option<T = unknown> {
  /** Name of its value in help: `port`; undefined: a switch. */
  readonly placeholder: string | undefined;
  readonly type: ValueType<T> | undefined;
  /** It may stand alone, and is then true. */
  readonly mayStandAlone?: true;
  readonly summary: string;
}

/** By the long name without its dashes. */
export type OptionTable = Readonly<Record<string, Option>>;

/** What was given; durations are in milliseconds. */
export type OptionValues<O extends OptionTable> = {
  readonly [K in keyof O]: (O[K] extends Option<infer T> ? T : never) | undefined;
};

export const option = <T>(placeholder: string, type: ValueType<T>, summary: string): Option<T> => ({
  placeholder,
  type,
  summary,
});

/** `--check`, `--check servers`, `--check=servers`. */
export const optionOrSwitch = <T>(
  placeholder: string,
  type: ValueType<T>,
  summary: string,
): Option<T | true> => ({
  placeholder,
  type: type as ValueType<T | true>,
  mayStandAlone: true,
  summary,
});

export const toggle = (summary: string): Option<true> => ({
  placeholder: undefined,
  type: undefined,
  summary,
});
