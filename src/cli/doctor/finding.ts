/**
 * cli/doctor/: what can be wrong with a set-up, one file per subject. Each looks at its part of the host and returns
 * findings; what it makes of the texts it has read is pure, and tested by tables.
 */

/** `ok` says what was looked at and is well; `skipped` what could not be looked at. */
export type Severity = "error" | "warning" | "ok" | "skipped";

export interface Finding {
  /** What was looked at, in a word or two: `account`, `port 9200`. */
  readonly subject: string;
  readonly severity: Severity;
  readonly sentence: string;
  /** What to do; empty where there is nothing to do. */
  readonly remedy: string;
}

const finding =
  (severity: Severity) =>
  (subject: string, sentence: string, remedy = ""): Finding =>
    Object.freeze({ subject, severity, sentence, remedy });

export const isError = finding("error");
export const isWarning = finding("warning");
export const isOk = finding("ok");
export const isSkipped = finding("skipped");
