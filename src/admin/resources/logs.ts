import { closeSync, fstatSync, openSync, readSync } from "node:fs";
import { numberIn } from "../http/query.ts";
import { DONE, found, type Route } from "../http/route.ts";
import { parametersDocument } from "../json-api/parameters.ts";
import { changeDaemon } from "./maxscale.ts";

/** How much of the end of the log file is looked at, bytes. */
const TAIL_BYTES = 1024 * 1024;
const MAX_LINES = 1000;

/** pino's levels under MaxScale's names. */
const PRIORITIES: Readonly<Record<string, string>> = {
  fatal: "alert",
  error: "error",
  warn: "warning",
  info: "notice",
  debug: "debug",
};

export const LOG_ROUTES: readonly Route[] = [
  {
    method: "GET",
    path: "/v1/maxscale/logs",
    summary: "Where the log goes, and what is logged.",
    access: "read",
    answer: "document",
    handle: ({ make }, { control }) => {
      const { sluice } = control.configuration();
      const parameters = Object.entries(parametersDocument(sluice)).filter(([name]) =>
        name.startsWith("log_"),
      );
      const { log_warning, log_notice, log_info, log_debug } = sluice.parameters;
      const attributes = {
        log_file: control.logFile ?? null,
        log_priorities: [
          "alert",
          "error",
          ...(log_warning ? ["warning"] : []),
          ...(log_notice ? ["notice"] : []),
          ...(log_info ? ["info"] : []),
          ...(log_debug ? ["debug"] : []),
        ],
        parameters: Object.fromEntries(parameters),
      };
      const data = make.resource("maxscale/logs", "logs", attributes);
      return found({ data, links: data.links });
    },
  },
  {
    method: "PATCH",
    path: "/v1/maxscale/logs",
    summary: "Changes what is logged; the same as PATCH /v1/maxscale.",
    access: "write",
    answer: "nothing",
    handle: changeDaemon,
  },
  {
    method: "POST",
    path: "/v1/maxscale/logs/flush",
    summary: "Begins the log file anew, after logrotate has moved it.",
    access: "write",
    answer: "nothing",
    handle: (_exchange, { control }) => {
      control.rotateLog();
      return DONE;
    },
  },
  {
    method: "GET",
    path: "/v1/maxscale/logs/data",
    summary: "The last lines of the log file; none where it goes to the journal.",
    access: "read",
    query: { "page[size]": "how many lines", priority: "only these, with commas between" },
    answer: "document",
    handle: ({ query, make }, { control }) => {
      const size = numberIn(query, "page[size]", 1, MAX_LINES, 50);
      const wanted = (query.get("priority") ?? "").split(",").filter((word) => word !== "");
      const log = control.logFile === undefined ? [] : readTail(control.logFile);
      const kept = log
        .filter(({ priority }) => wanted.length === 0 || wanted.includes(priority))
        .slice(-size);
      const source = control.logFile === undefined ? null : "maxlog";
      const data = make.resource("maxscale/logs/data", "log_data", { log: kept, log_source: source });
      return found({ data, links: data.links });
    },
  },
];

interface LogLine {
  readonly id: string;
  readonly message: string;
  readonly priority: string;
  readonly timestamp: string;
}

function readTail(path: string): readonly LogLine[] {
  let file: number;
  try {
    file = openSync(path, "r");
  } catch {
    return []; // not written yet, or just moved away
  }
  try {
    const { size } = fstatSync(file);
    const start = Math.max(0, size - TAIL_BYTES);
    const bytes = Buffer.alloc(size - start);
    const length = readSync(file, bytes, 0, bytes.length, start);
    const lines = bytes.subarray(0, length).toString("utf8").split("\n");
    // The first one was cut.
    return lines.slice(start > 0 ? 1 : 0).flatMap((line, index) => parseLine(line, start + index));
  } finally {
    closeSync(file);
  }
}

/** JSON as pino writes it; any other text is a message. */
function parseLine(line: string, id: number): readonly LogLine[] {
  if (line === "") return [];
  try {
    const { level, time, msg } = JSON.parse(line) as Readonly<Record<string, unknown>>;
    const priority = PRIORITIES[String(level)] ?? "notice";
    return [{ id: String(id), message: String(msg), priority, timestamp: String(time) }];
  } catch {
    return [{ id: String(id), message: line, priority: "notice", timestamp: "" }];
  }
}
