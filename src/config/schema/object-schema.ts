import type { ParameterSet, Values } from "../parameter.ts";

/** One object type: its parameters, the modules that add their own, and the old names it still understands. */
export interface ObjectSchema<C extends ParameterSet = ParameterSet, M extends Modules = Modules> {
  readonly description: string;
  readonly common: C;
  /** The parameter that picks one of `modules`; undefined: the type has no modules. */
  readonly moduleParameter: "module" | "router" | undefined;
  readonly modules: M;
  /** Old names of modules. */
  readonly moduleAliases: Readonly<Record<string, string>>;
  /** MaxScale modules that are knowingly left out, and what to use instead. */
  readonly foreignModules: Readonly<Record<string, string>>;
  /** Old name -> present name. */
  readonly renamed: Readonly<Record<string, string>>;
  /** Parameters of MaxScale that are accepted and change nothing, with the reason or the present way in one clause. */
  readonly obsolete: Readonly<Record<string, Obsolete>>;
}

type Modules = Readonly<Record<string, ParameterSet>>;

/** A reason alone, or with the only values that may be passed over; any other would silently mean something else here. */
export type Obsolete = string | { readonly reason: string; readonly values: readonly string[] };

/** What an object of a schema may be: one form per module, to be told apart by `module`. */
export type ObjectForms<S extends ObjectSchema> = keyof S["modules"] extends never
  ? { readonly module: undefined; readonly parameters: Values<S["common"]> }
  : { [M in keyof S["modules"]]: ObjectForm<M, S["common"], S["modules"][M]> }[keyof S["modules"]];

interface ObjectForm<M, C, P> {
  readonly module: M;
  readonly parameters: Values<C> & Values<P>;
}
