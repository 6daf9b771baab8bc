// What every benchmark prints: figures, and figures with the bound they are held to.
let failures = 0;

export function section(title: string): void {
  console.log(`\n${title}`);
}

export function report(what: string, value: number, unit: string): void {
  console.log(`  ${what.padEnd(58)} ${digits(value).padStart(8)} ${unit}`);
}

/** Prints a figure with its bound, and counts it if it is outside. */
export function bound(
  what: string,
  value: number,
  relation: ">=" | "<=" | "<",
  limit: number,
  unit: string,
): void {
  const isWithin = relation === ">=" ? value >= limit : relation === "<=" ? value <= limit : value < limit;
  if (!isWithin) failures += 1;
  console.log(
    `${isWithin ? "✓" : "✗"} ${what.padEnd(58)} ${digits(value).padStart(8)} ${unit} (bound: ${relation} ${limit} ${unit})`,
  );
}

/** Three digits that count, or more. */
const digits = (value: number): string => value.toFixed(value < 10 ? 2 : value < 100 ? 1 : 0);

/** Says how it went; the exit code of the benchmark. */
export function conclusion(): number {
  const words =
    failures === 0 ? "Every figure is within its bound." : `${failures} figures are out of their bounds.`;
  console.log(`\n${words}`);
  return failures === 0 ? 0 : 1;
}
