import { statSync } from "node:fs";
import { createInterface } from "node:readline";
import type { Readable } from "node:stream";
import { errorMessage } from "../../errors/sluice-error.ts";
import { writeFileAtomically } from "../../system/atomic-file.ts";
import type { Clock } from "../../telemetry/clock.ts";

/** What the publisher sends its guard, a line each: the value, and how long it holds if no other line comes, ms. */
export function guardLine(value: number, holdsMs: number): string {
  return `${value} ${Math.max(0, Math.round(holdsMs))}\n`;
}

/** The daemon's successor will have a guard of its own, which writes the file anew; until then the value holds. */
export const LEAVE_LINE = "leave\n";

/** A successor that has not written the file by then will not come, ms. */
const LEAVE_MS = 10_000;

export interface TrackGuardOptions {
  readonly file: string;
  /** Written when a value is not renewed in time, and when nobody is left to renew it. */
  readonly failingValue: number;
}

/**
 * The only writer of a track file, in a process of its own, so that it outlives the daemon by the one write that matters:
 *
 *   daemon ──"0 3000\n"──▶ guard ──▶ file        no line for 3 s (the daemon hangs), end of the pipe (it died) ──▶ failing value
 *                                                "leave\n", end of the pipe (an upgrade) ──▶ another guard takes over in time
 *
 * Resolves when the pipe has ended.
 */
export async function guardTrackFile(
  { file, failingValue }: TrackGuardOptions,
  input: Readable,
  clock: Clock,
  complain: (sentence: string) => void,
): Promise<void> {
  let written: number | undefined;
  let inode: number | undefined;
  let isLeaving = false;
  let cancel: () => void = () => {};
  const write = (value: number): void => {
    if (value === written) return;
    try {
      writeFileAtomically(file, `${value}\n`, 0o644);
      written = value;
      inode = inodeOf(file);
    } catch (error) {
      written = undefined;
      complain(errorMessage(error));
    }
  };
  const take = (line: string): void => {
    isLeaving ||= `${line}\n` === LEAVE_LINE;
    const [, value, holdsMs] = /^(-?\d+) (\d+)$/.exec(line) ?? [];
    if (value === undefined) return;
    cancel();
    write(Number(value));
    cancel = clock.after(Number(holdsMs), () => write(failingValue));
  };
  await new Promise<void>((resolve) => {
    createInterface({ input }).on("line", take).on("close", resolve);
  });
  cancel();
  // Each write makes a file of its own, so another one is another guard's.
  if (isLeaving) await new Promise<void>((resolve) => clock.after(LEAVE_MS, resolve));
  if (!isLeaving || inodeOf(file) === inode) write(failingValue);
}

const inodeOf = (file: string): number | undefined => statSync(file, { throwIfNoEntry: false })?.ino;
