/** Time and randomness as the data path needs them; telemetry's Clock has all of it. */
export interface Timers {
  /** Wall-clock time, ms since 1970. */
  now(): number;
  /** Calls back once after `ms`; the returned function cancels. */
  after(ms: number, callback: () => void): () => void;
  /** A number in [0, 1). */
  random(): number;
}
