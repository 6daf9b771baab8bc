/** Where a text stands; lines count from 1. */
export interface Place {
  readonly file: string;
  readonly line: number;
}

/** One mistake in a configuration: where, what was found, and what would be right. */
export interface Problem {
  /** Undefined where the mistake stands in no line: a request over REST, a file that cannot be read. */
  readonly at: Place | undefined;
  readonly section: string | undefined;
  readonly parameter: string | undefined;
  /** The text that was found; `***` for a secret. */
  readonly found: string | undefined;
  /** What is wrong, and what would be right, in one clause each. */
  readonly wrong: string;
  readonly right: string;
}

/** Something that works and should be changed. `also` are further places of the same thing, which is told once. */
export interface Warning {
  readonly at: Place | undefined;
  readonly section: string | undefined;
  readonly parameter: string | undefined;
  readonly message: string;
  readonly also: readonly Place[];
}

export function formatPlace(place: Place): string {
  return `${place.file}:${place.line}`;
}

/** `/etc/sluice.cnf:12: [db1] port=33o6: not a number; expected a port from 1 to 65535` */
export function formatProblem(problem: Problem): string {
  const { found, wrong, right } = problem;
  const assignment = found === undefined ? "" : `=${found}`;
  return `${head(problem, assignment)}${wrong}; ${right}`;
}

/** `/etc/sluice.cnf:9: [rw] passwd: the old name of password (also /etc/sluice.cnf:20)` */
export function formatWarning(warning: Warning): string {
  const [first, ...more] = warning.also;
  const rest = more.length > 0 ? ` and ${more.length} more` : "";
  const also = first === undefined ? "" : ` (also ${formatPlace(first)}${rest})`;
  return `${head(warning, "")}${warning.message}${also}`;
}

function head(subject: Pick<Problem, "at" | "section" | "parameter">, assignment: string): string {
  const place = subject.at ? `${formatPlace(subject.at)}: ` : "";
  const section = subject.section === undefined ? "" : `[${subject.section}]`;
  const parameter = subject.parameter === undefined ? "" : `${subject.parameter}${assignment}`;
  const words = [section, parameter].filter((word) => word !== "").join(" ");
  return words === "" ? place : `${place}${words}: `;
}
