/**
 * telemetry/: logger, metrics, clock. May import topology/ and errors/. The hot path (wire/, sql/, proxy/) never imports it.
 */
import pino from "pino";
import { errorMessage, SluiceError } from "../errors/sluice-error.ts";
import type { Log } from "./log.ts";

export interface LogOptions {
  /** Undefined: standard error. */
  readonly file: string | undefined;
  readonly level: "debug" | "info" | "warn" | "error";
  /** `auto`: readable on a terminal, JSON elsewhere. */
  readonly format: "auto" | "text" | "json";
}

/** A log, and how to begin its file anew after logrotate has moved it. */
export interface OpenLog {
  readonly log: Log;
  /** Throws IO_FAILED where that cannot be; the old file then goes on. */
  reopen(): void;
}

const STDERR = 2;

/** Opens the log; lines are written at once, so that none is lost when the process dies. Throws IO_FAILED. */
export async function openLog(options: LogOptions): Promise<OpenLog> {
  const { file, format, level } = options;
  const destination = opening(file, () =>
    pino.destination({ dest: file ?? STDERR, sync: true, append: true, mode: 0o640 }),
  );
  // A full disk or a closed pipe must not end the daemon.
  destination.on("error", () => {});
  const readable =
    format === "text" || (format === "auto" && file === undefined && process.stderr.isTTY === true);
  const settings: pino.LoggerOptions = {
    level,
    base: null,
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: (label) => ({ level: label }) },
    serializers: { err: pino.stdSerializers.err },
  };
  const log = pino(settings, readable ? await prettyStream(destination) : destination);
  const reopen = (): void => {
    if (file !== undefined) opening(file, () => destination.reopen());
  };
  return { log, reopen };
}

function opening<T>(file: string | undefined, open: () => T): T {
  try {
    return open();
  } catch (error) {
    throw new SluiceError("IO_FAILED", `cannot write the log file ${file}: ${errorMessage(error)}`, {
      cause: error,
    });
  }
}

async function prettyStream(
  destination: pino.DestinationStream & NodeJS.EventEmitter,
): Promise<pino.DestinationStream> {
  const { default: pretty } = await import("pino-pretty");
  return pretty({
    destination,
    sync: true,
    colorize: process.stderr.isTTY === true,
    translateTime: "SYS:HH:MM:ss.l",
    ignore: "event,up,role,before,server",
  });
}
