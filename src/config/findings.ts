import type { Place, Problem, Warning } from "./problem.ts";

/** What a finding is about. */
export interface Subject {
  readonly at: Place | undefined;
  readonly section?: string | undefined;
  readonly parameter?: string | undefined;
  readonly found?: string | undefined;
}

/** Collects every mistake of a configuration; the same warning is told once, with all its places. */
export class Findings {
  readonly #problems: Problem[];
  readonly #warnings = new Map<string, Warning>();

  constructor(problems: readonly Problem[] = []) {
    this.#problems = [...problems];
  }

  problem({ at, section, parameter, found }: Subject, wrong: string, right: string): void {
    this.#problems.push({ at, section, parameter, found, wrong, right });
  }

  /** Warnings of the same `key` become one. */
  warn(key: string, { at, section, parameter }: Subject, message: string): void {
    const first = this.#warnings.get(key);
    if (first === undefined) this.#warnings.set(key, { at, section, parameter, message, also: [] });
    else if (at) this.#warnings.set(key, { ...first, also: [...first.also, at] });
  }

  /** In the order of the files and lines; what has no place comes last. */
  get problems(): readonly Problem[] {
    const files = [...new Set(this.#problems.map((problem) => problem.at?.file))];
    const rank = ({ at }: Problem) => (at ? files.indexOf(at.file) : files.length);
    return this.#problems.toSorted((a, b) => rank(a) - rank(b) || (a.at?.line ?? 0) - (b.at?.line ?? 0));
  }

  get warnings(): readonly Warning[] {
    return [...this.#warnings.values()];
  }
}
