import { Secret } from "../secret.ts";
import { parsed, refused, type ValueType } from "./value-type.ts";

/** Any text on one line. */
export function text(expected = "a text"): ValueType<string> {
  return {
    expected,
    json: { type: "string" },
    parse: (value) => parsed(value),
    print: (value) => value,
  };
}

/** A password or token. The value never shows itself. */
export function secret(): ValueType<Secret> {
  return {
    expected: "a password, plain or encrypted",
    json: { type: "string", writeOnly: true },
    parse: (value) => parsed(new Secret(value)),
    print: (value) => value.reveal(),
  };
}

/** An absolute path; whether the file is there is looked at when it is used. */
export function path(): ValueType<string> {
  return {
    expected: "an absolute path",
    json: { type: "string", pattern: "^/" },
    parse: (value) => (value.startsWith("/") ? parsed(value) : refused("not an absolute path")),
    print: (value) => value,
  };
}

/** Several values with commas between them. Empty places are passed over; a repeated one is a mistake. */
export function list<T>(type: ValueType<T>): ValueType<readonly T[]> {
  return {
    expected: `a list, with commas between, of: ${type.expected}`,
    json: { anyOf: [{ type: "array", items: type.json }, { type: "string" }] },
    emptyIsValue: true,
    ...(type.refersTo ? { refersTo: type.refersTo } : {}),
    parse: (value) => {
      const seen = new Set<string>();
      const values: T[] = [];
      for (const part of splitList(value)) {
        const element = type.parse(part);
        if (!element.ok)
          return refused(part === value ? element.wrong : `${part}: ${element.wrong}`, element.expected);
        if (seen.has(part)) return refused(`${part} is there twice`, `each one once`);
        seen.add(part);
        values.push(element.value);
      }
      return parsed(Object.freeze(values));
    },
    print: (values) => values.map((value) => type.print(value)).join(","),
  };
}

export function splitList(value: string): string[] {
  return value.split(",").flatMap((part) => (part.trim() === "" ? [] : [part.trim()]));
}
