/** A value as parseCnf reads it back, whatever it holds besides line breaks. */
export function printValue(value: string): string {
  const plain = value !== "" && !/^[\s"'$#;,[]|[\s,]$|[ \t][#;]|[\r\u00a0\ufeff]/.test(value);
  return plain ? value : `"${value.replaceAll('"', '""')}"`;
}

/** One section with its parameters, a line each. */
export function printSection(name: string, parameters: ReadonlyMap<string, string>): string {
  const lines = [...parameters].map(([key, value]) => `${key}=${printValue(value)}`);
  return [`[${name}]`, ...lines, ""].join("\n");
}
