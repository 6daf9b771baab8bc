import type { Log, LogFields } from "../../src/telemetry/log.ts";

export interface LogLine {
  readonly level: "debug" | "info" | "warn" | "error";
  readonly fields: LogFields;
  readonly message: string;
}

/** Remembers what it was told; its children tell it too, with their fields added. */
export class RecordingLog implements Log {
  readonly lines: LogLine[];
  readonly #fields: LogFields;

  constructor(lines: LogLine[] = [], fields: LogFields = {}) {
    this.lines = lines;
    this.#fields = fields;
  }

  debug(fields: LogFields, message: string): void {
    this.#add("debug", fields, message);
  }
  info(fields: LogFields, message: string): void {
    this.#add("info", fields, message);
  }
  warn(fields: LogFields, message: string): void {
    this.#add("warn", fields, message);
  }
  error(fields: LogFields, message: string): void {
    this.#add("error", fields, message);
  }
  child(fields: LogFields): Log {
    return new RecordingLog(this.lines, { ...this.#fields, ...fields });
  }

  messages(level: LogLine["level"]): readonly string[] {
    return this.lines.filter((line) => line.level === level).map(({ message }) => message);
  }

  #add(level: LogLine["level"], fields: LogFields, message: string): void {
    this.lines.push({ level, fields: { ...this.#fields, ...fields }, message });
  }
}
