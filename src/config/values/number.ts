import { parsed, refused, type ValueType } from "./value-type.ts";

/** A whole number from `min` to `max`, both possible. */
export function integer(min: number, max: number, noun = "a whole number"): ValueType<number> {
  return {
    expected: `${noun} from ${min} to ${max}`,
    json: { type: ["integer", "string"], pattern: "^-?\\d+$", minimum: min, maximum: max },
    parse: (text) => {
      if (!/^-?\d+$/.test(text)) return refused("not a whole number");
      const value = Number(text);
      return value < min || value > max ? refused("out of range") : parsed(value);
    },
    // -0 would print as 0 and read back as another value.
    print: (value) => String(value === 0 ? 0 : value),
  };
}

export function port(): ValueType<number> {
  return integer(1, 65_535, "a port");
}

/** A number of at least 0 with up to six decimals: weights of servers. */
export function weight(): ValueType<number> {
  return {
    expected: "a number of at least 0, such as 1 or 0.5",
    json: { type: ["number", "string"], minimum: 0 },
    parse: (text) => {
      if (!/^\d{1,9}(\.\d{1,6})?$/.test(text)) return refused("not such a number");
      return parsed(Number(text));
    },
    print: (value) => String(Number(value.toFixed(6))),
  };
}

/** A count, or a share of all as a percentage. */
export type CountOrShare = { readonly count: number } | { readonly percent: number };

export function countOrShare(max: number): ValueType<CountOrShare> {
  return {
    expected: `a whole number from 0 to ${max}, or a percentage such as 50%`,
    json: { type: ["integer", "string"], pattern: "^\\d+%?$" },
    parse: (text) => {
      const [, digits, sign] = /^(\d{1,9})(%?)$/.exec(text) ?? [];
      if (digits === undefined) return refused("neither a number nor a percentage");
      const value = Number(digits);
      if (value > (sign === "%" ? 100 : max)) return refused("out of range");
      return parsed(sign === "%" ? { percent: value } : { count: value });
    },
    print: (value) => ("percent" in value ? `${value.percent}%` : String(value.count)),
  };
}

/** A number, or `auto` for a value that Sluice derives by itself. */
export function orAuto<T>(type: ValueType<T>): ValueType<T | "auto"> {
  return {
    expected: `auto, or ${type.expected}`,
    json: { anyOf: [{ const: "auto" }, type.json] },
    ...(type.unit === undefined ? {} : { unit: type.unit }),
    parse: (text) => (text.toLowerCase() === "auto" ? parsed("auto" as const) : type.parse(text)),
    print: (value) => (value === "auto" ? "auto" : type.print(value as T)),
  };
}
