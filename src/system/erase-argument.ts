import { closeSync, openSync, readFileSync, writeSync } from "node:fs";

const NUL = 0;
// Fields of /proc/PID/stat behind the program's name, which may hold spaces: arg_start is field 48 of proc(5), the name 2.
const ARG_START = 48 - 3;

/**
 * Overwrites one argument of this process, counted from the last (1), so that `ps` and /proc/PID/cmdline show x's instead:
 * what the mysql client does with its --password. Between the start of the process and this call, some milliseconds, it
 * can be seen. Returns false where the system does not let us; process.argv keeps what it had.
 */
export function eraseArgument(fromLast: number): boolean {
  try {
    const line = readFileSync("/proc/self/cmdline");
    const [start, end] = placeOfArgument(line, fromLast);
    const stat = readFileSync("/proc/self/stat", "latin1");
    const address = Number(stat.slice(stat.lastIndexOf(")") + 2).split(" ")[ARG_START]);
    const memory = openSync("/proc/self/mem", "r+");
    try {
      writeSync(memory, Buffer.alloc(end - start, "x"), 0, end - start, address + start);
    } finally {
      closeSync(memory);
    }
    return readFileSync("/proc/self/cmdline")
      .subarray(start, end)
      .every((byte) => byte === 0x78);
  } catch {
    return false;
  }
}

/** Where an argument begins and ends among NUL-terminated ones. */
function placeOfArgument(line: Buffer, fromLast: number): readonly [start: number, end: number] {
  let end = line.length - 1;
  for (let i = 1; i < fromLast; i += 1) end = line.lastIndexOf(NUL, end - 1);
  return [line.lastIndexOf(NUL, end - 1) + 1, end];
}
