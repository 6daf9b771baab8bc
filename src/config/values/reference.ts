import { isObjectName } from "../object-name.ts";
import { list } from "./text.ts";
import { parsed, refused, type ValueType } from "./value-type.ts";

/** The name of another object, of one of the kinds given. */
export function reference(...kinds: readonly string[]): ValueType<string> {
  return {
    expected: `the name of a ${kinds.join(" or ")}`,
    json: { type: "string" },
    refersTo: kinds,
    parse: (text) => (isObjectName(text) ? parsed(text) : refused("not a name")),
    print: (value) => value,
  };
}

export function references(...kinds: readonly string[]): ValueType<readonly string[]> {
  return list(reference(...kinds));
}
