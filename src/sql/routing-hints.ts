import { END, Lexer } from "./lexer.ts";

/** A hint in a comment: `-- maxscale route to master`; `sluice`, `primary` and `replica` are the same words. */
export type RoutingHint =
  | { readonly kind: "route"; readonly to: "master" | "slave" | "last" }
  | { readonly kind: "route"; readonly to: "server"; readonly server: string }
  | { readonly kind: "parameter"; readonly name: string; readonly value: string }
  /** `name prepare …`: defines a hint to begin later. */
  | { readonly kind: "prepare"; readonly name: string; readonly hint: RoutingHint }
  /** `begin …`: holds until `end`; with a name and no hint, one that was prepared. */
  | { readonly kind: "begin"; readonly name: string | undefined; readonly hint: RoutingHint | undefined }
  | { readonly kind: "end" };

/** All hints of a statement, in order; what is none after all is left out. */
export function routingHints(
  bytes: Uint8Array,
  from: number,
  to: number,
  mode: number,
): readonly RoutingHint[] {
  const lexer = new Lexer();
  const places: number[] = [];
  lexer.open(bytes, from, to, mode);
  lexer.hintPlaces = places;
  while (lexer.next() !== END);
  const hints: RoutingHint[] = [];
  for (let at = 0; at < places.length; at += 2) {
    const text = Buffer.from(bytes.subarray(places[at], places[at + 1])).toString("utf8");
    const words = text.replace(/=/g, " = ").trim().split(/\s+/).slice(1);
    const hint = ended(words) ?? named(words) ?? simple(words);
    if (hint !== undefined) hints.push(hint);
  }
  return hints;
}

const TARGETS: Readonly<Record<string, "master" | "slave" | "last">> = {
  master: "master",
  primary: "master",
  slave: "slave",
  replica: "slave",
  last: "last",
};

const is = (word: string | undefined, keyword: string): boolean => word?.toLowerCase() === keyword;

function ended([first, ...rest]: readonly string[]): RoutingHint | undefined {
  return is(first, "end") && rest.length === 0 ? { kind: "end" } : undefined;
}

function named(words: readonly string[]): RoutingHint | undefined {
  const [first, second] = words;
  if (is(first, "begin")) return begun(undefined, words.slice(1));
  if (first !== undefined && is(second, "begin")) return begun(first, words.slice(2));
  if (first === undefined || !is(second, "prepare")) return undefined;
  const hint = simple(words.slice(2));
  return hint && { kind: "prepare", name: first, hint };
}

function begun(name: string | undefined, words: readonly string[]): RoutingHint | undefined {
  const hint = simple(words);
  if (hint === undefined && (words.length > 0 || name === undefined)) return undefined;
  return { kind: "begin", name, hint };
}

function simple(words: readonly string[]): RoutingHint | undefined {
  const [first, second, third, server] = words;
  if (is(first, "route") && is(second, "to") && third !== undefined) {
    const to = TARGETS[third.toLowerCase()];
    if (to !== undefined && words.length === 3) return { kind: "route", to };
    if (is(third, "server") && server !== undefined && words.length === 4)
      return { kind: "route", to: "server", server };
    return undefined;
  }
  const isParameter = words.length === 3 && second === "=" && first !== undefined && third !== undefined;
  return isParameter ? { kind: "parameter", name: first, value: third } : undefined;
}
