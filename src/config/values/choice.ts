import { own } from "../own.ts";
import { type Deprecation, parsed, refused, type ValueType } from "./value-type.ts";

const BOOLEANS: ReadonlyMap<string, boolean> = new Map([
  ["true", true],
  ["yes", true],
  ["on", true],
  ["1", true],
  ["false", false],
  ["no", false],
  ["off", false],
  ["0", false],
]);

export function flag(): ValueType<boolean> {
  return {
    expected: "true or false (also yes, on, 1; no, off, 0)",
    json: { type: ["boolean", "string"], enum: [true, false, ...BOOLEANS.keys()] },
    parse: (text) => {
      const value = BOOLEANS.get(text.toLowerCase());
      return value === undefined ? refused("neither true nor false") : parsed(value);
    },
    print: String,
  };
}

/** `ssl`: a boolean that MaxScale before 6.0 wrote as required or disabled. */
export function tlsSwitch(): ValueType<boolean> {
  const plain = flag();
  return {
    ...plain,
    parse: (text) => {
      const old = own({ required: true, enabled: true, disabled: false }, text.toLowerCase());
      if (old === undefined) return plain.parse(text);
      return parsed(old, { name: `ssl=${text.toLowerCase()}`, instead: `ssl=${old}` });
    },
  };
}

/**
 * One of several words, in any letter case. `also` maps further spellings to the value they mean; `old` maps deprecated ones.
 */
export function oneOf<const T extends string>(
  words: readonly T[],
  options: {
    readonly also?: Readonly<Record<string, T>>;
    readonly old?: Readonly<Record<string, { readonly value: T; readonly deprecation: Deprecation }>>;
  } = {},
): ValueType<T> {
  const { also = {}, old = {} } = options;
  const byName = new Map<string, T>([
    ...Object.entries(also),
    ...words.map((word): [string, T] => [word.toLowerCase(), word]),
  ]);
  const extra = Object.keys(also);
  const list = words.length === 1 ? `${words[0]}` : `${words.slice(0, -1).join(", ")} or ${words.at(-1)}`;
  return {
    expected: extra.length === 0 ? list : `${list} (also ${extra.join(", ")})`,
    json: { type: "string", enum: [...words, ...extra] },
    parse: (text) => {
      const lower = text.toLowerCase();
      const deprecated = own(old, lower);
      if (deprecated !== undefined) return parsed(deprecated.value, deprecated.deprecation);
      const value = byName.get(lower);
      return value === undefined ? refused("not one of the possible words") : parsed(value);
    },
    print: (value) => value,
  };
}
