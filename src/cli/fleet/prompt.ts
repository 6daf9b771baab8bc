import { openSync, writeSync } from "node:fs";
import { ReadStream } from "node:tty";
import { Secret } from "../../config/secret.ts";
import { SluiceError } from "../../errors/sluice-error.ts";

/** Asks for a secret. Undefined where there is nobody to ask. */
export type AskSecret = (question: string) => Promise<Secret | undefined>;

const MAX_LENGTH = 1024;
const ENTER = /[\r\n]/;
const ERASE = /[\u007f\b]/;
const ERASE_ALL = "\u0015";
const LEAVE = /[\u0003\u0004]/;

/**
 * Asks on the terminal the process belongs to, whatever standard input and output are; what is typed is not shown. The
 * terminal is as before afterwards. Ctrl-C and Ctrl-D reject with USAGE.
 */
export const askOnTerminal: AskSecret = async (question) => {
  const terminal = openTerminal();
  if (terminal === undefined) return undefined;
  const keyboard = new ReadStream(terminal);
  try {
    keyboard.setRawMode(true);
    writeSync(terminal, `${question}: `);
    return new Secret(await readLine(keyboard));
  } finally {
    keyboard.setRawMode(false);
    writeSync(terminal, "\n");
    keyboard.destroy();
  }
};

function openTerminal(): number | undefined {
  try {
    return openSync("/dev/tty", "r+");
  } catch {
    return undefined; // a process without a terminal, as under cron
  }
}

function readLine(keyboard: ReadStream): Promise<string> {
  return new Promise((resolve, reject) => {
    let line = "";
    const left = (): void => reject(new SluiceError("USAGE", "no password was given"));
    keyboard.setEncoding("utf8");
    keyboard.on("data", (typed: string) => {
      for (const key of typed) {
        if (ENTER.test(key)) return resolve(line);
        if (LEAVE.test(key)) return left();
        if (ERASE.test(key)) line = [...line].slice(0, -1).join("");
        else if (key === ERASE_ALL) line = "";
        else if (line.length < MAX_LENGTH) line += key;
      }
    });
    keyboard.on("end", left);
    keyboard.on("error", left);
  });
}
