import { parsed, refused, type ValueType } from "./value-type.ts";

const UNITS: Readonly<Record<string, number>> = {
  "": 1,
  k: 1e3,
  m: 1e6,
  g: 1e9,
  t: 1e12,
  ki: 1024,
  mi: 1024 ** 2,
  gi: 1024 ** 3,
  ti: 1024 ** 4,
};

/** A number of bytes, with k M G T (1000) or Ki Mi Gi Ti (1024), in any case. */
export function size(): ValueType<number> {
  return {
    expected: "a number of bytes, such as 65536, 64Ki, 16Mi or 1G",
    json: { type: ["string", "integer"], pattern: "^\\d+ *([kKmMgGtT][iI]?)?$", minimum: 0 },
    unit: "bytes",
    parse: (text) => {
      const [, digits, unit = ""] = /^(\d+) *([kmgt]i?)?$/i.exec(text) ?? [];
      if (digits === undefined) return refused("not a size");
      const bytes = Number(digits) * (UNITS[unit.toLowerCase()] ?? Number.NaN);
      return Number.isSafeInteger(bytes) ? parsed(bytes) : refused("too large");
    },
    print: printSize,
  };
}

function printSize(bytes: number): string {
  for (const unit of ["Ti", "Gi", "Mi", "Ki"]) {
    const factor = UNITS[unit.toLowerCase()] ?? 1;
    if (bytes !== 0 && bytes % factor === 0) return `${bytes / factor}${unit}`;
  }
  return String(bytes);
}
