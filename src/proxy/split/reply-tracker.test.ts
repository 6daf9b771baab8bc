import { describe, expect, test } from "bun:test";
import { COMMAND } from "../../wire/command.ts";
import { ReplyTracker } from "./reply-tracker.ts";

const AUTOCOMMIT = 2;
const MORE = 8;
const CURSOR = 0x40;
const TRACKED = 0x4000;

function packets(...payloads: readonly (readonly number[] | Buffer)[]): Buffer {
  let sequence = 0;
  return Buffer.concat(
    payloads.map((payload) => {
      const body = Buffer.from(payload as Buffer);
      const head = Buffer.alloc(4);
      head.writeUIntLE(body.length, 0, 3);
      head[3] = ++sequence & 0xff;
      return Buffer.concat([head, body]);
    }),
  );
}
const low = (value: number): readonly number[] => [value & 0xff, value >> 8];
const ok = (status = AUTOCOMMIT, more: readonly number[] = []): number[] => [
  0,
  0,
  0,
  ...low(status),
  0,
  0,
  ...more,
];
const eof = (status = AUTOCOMMIT): number[] => [0xfe, 0, 0, ...low(status)];
const okEof = (status = AUTOCOMMIT): number[] => [0xfe, 0, 0, ...low(status), 0, 0];
const error = (errno: number): number[] => [0xff, ...low(errno), ...Buffer.from("#42000Wrong")];
const column = (): Buffer => Buffer.from("\u0003def\u0000\u0001t\u0001t\u0002id\u0002id");
const row = (text: string): Buffer => Buffer.from(`${String.fromCharCode(text.length)}${text}`, "latin1");

interface Case {
  readonly name: string;
  readonly command?: number;
  readonly deprecateEof?: boolean;
  readonly bytes: Buffer;
  readonly says: Partial<
    Pick<ReplyTracker, "outcome" | "status" | "errno" | "results" | "statementId" | "parameters">
  >;
}

const CASES: readonly Case[] = [
  { name: "OK", bytes: packets(ok(3)), says: { outcome: "ok", status: 3, results: 1 } },
  {
    name: "OK with large numbers",
    bytes: packets([0, 0xfc, 1, 2, 0xfd, 1, 2, 3, 3, 0, 0, 0]),
    says: { status: 3 },
  },
  { name: "ERR", bytes: packets(error(1064)), says: { outcome: "error", errno: 1064 } },
  {
    name: "text result",
    bytes: packets([2], column(), column(), eof(), row("a"), row("b"), eof(0x22)),
    says: { outcome: "ok", status: 0x22, results: 1 },
  },
  {
    name: "text result without EOF packets",
    deprecateEof: true,
    bytes: packets([2], column(), column(), row("a"), row("b"), okEof(0x22)),
    says: { outcome: "ok", status: 0x22 },
  },
  { name: "no rows", bytes: packets([1], column(), eof(), eof()), says: { outcome: "ok" } },
  {
    name: "an error among the rows",
    bytes: packets([1], column(), eof(), row("a"), error(1317)),
    says: { outcome: "error", errno: 1317 },
  },
  {
    name: "a NULL and an empty text in front",
    bytes: packets([1], column(), eof(), [0xfb], [0], eof()),
    says: { outcome: "ok" },
  },
  {
    name: "several results",
    bytes: packets([1], column(), eof(), row("a"), eof(MORE), ok(MORE), ok(3)),
    says: { outcome: "ok", status: 3, results: 3 },
  },
  {
    name: "several results without EOF packets, the last one fails",
    deprecateEof: true,
    bytes: packets([1], column(), row("a"), okEof(MORE), error(1146)),
    says: { outcome: "error", errno: 1146, results: 1 },
  },
  {
    name: "binary rows",
    command: COMMAND.STMT_EXECUTE,
    bytes: packets([1], column(), eof(), [0, 0, 7], [0, 4], eof()),
    says: { outcome: "ok" },
  },
  {
    name: "a cursor",
    command: COMMAND.STMT_EXECUTE,
    bytes: packets([1], column(), eof(CURSOR | 2)),
    says: { outcome: "ok", status: CURSOR | 2 },
  },
  {
    name: "a cursor without EOF packets",
    command: COMMAND.STMT_EXECUTE,
    deprecateEof: true,
    bytes: packets([1], column(), okEof(CURSOR | 2)),
    says: { outcome: "ok", status: CURSOR | 2 },
  },
  {
    name: "rows of a cursor",
    command: COMMAND.STMT_FETCH,
    bytes: packets([0, 0, 7], [0, 0, 8], eof(CURSOR | 128)),
    says: { outcome: "ok", status: CURSOR | 128 },
  },
  {
    name: "no cursor to fetch from",
    command: COMMAND.STMT_FETCH,
    bytes: packets(error(1243)),
    says: { errno: 1243 },
  },
  {
    name: "prepared",
    command: COMMAND.STMT_PREPARE,
    bytes: packets([0, 9, 1, 0, 0, 1, 0, 2, 0, 0, 0, 0], column(), column(), eof(), column(), eof()),
    says: { outcome: "ok", statementId: 265, parameters: 2 },
  },
  {
    name: "prepared without EOF packets",
    command: COMMAND.STMT_PREPARE,
    deprecateEof: true,
    bytes: packets([0, 9, 0, 0, 0, 1, 0, 2, 0, 0, 0, 0], column(), column(), column()),
    says: { outcome: "ok", statementId: 9 },
  },
  {
    name: "prepared, neither parameters nor columns",
    command: COMMAND.STMT_PREPARE,
    bytes: packets([0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]),
    says: { outcome: "ok", statementId: 1, parameters: 0 },
  },
  { name: "not prepared", command: COMMAND.STMT_PREPARE, bytes: packets(error(1064)), says: { errno: 1064 } },
  {
    name: "fields of a table",
    command: COMMAND.FIELD_LIST,
    bytes: packets(column(), column(), eof()),
    says: { outcome: "ok" },
  },
  {
    name: "statistics",
    command: COMMAND.STATISTICS,
    bytes: packets(Buffer.from("Uptime: 1")),
    says: { outcome: "ok" },
  },
  {
    name: "EOF alone",
    command: COMMAND.SET_OPTION,
    bytes: packets(eof(3)),
    says: { outcome: "ok", status: 3 },
  },
  {
    name: "progress before an answer",
    bytes: packets([0xff, 0xff, 0xff, 1, 1, 2, 0, 0, 0], ok(3)),
    says: { outcome: "ok", status: 3 },
  },
  { name: "an empty packet", bytes: packets([]), says: { outcome: "malformed" } },
  { name: "columns and no EOF", bytes: packets([1], column(), row("a")), says: { outcome: "malformed" } },
  { name: "an OK that is too short", bytes: packets([0, 0]), says: { outcome: "malformed" } },
];

function track({ command = COMMAND.QUERY, deprecateEof = false }: Case): ReplyTracker {
  const tracker = new ReplyTracker(deprecateEof);
  tracker.begin(command);
  return tracker;
}

describe.each([...CASES])("$name", (one) => {
  test("in one chunk, with what comes after it", () => {
    const tracker = track(one);
    const more = Buffer.concat([one.bytes, packets(ok())]);
    expect(tracker.feed(more, 0)).toBe(one.bytes.length);
    expect(tracker).toMatchObject({ isDone: true, ...one.says });
  });

  test("cut at every place, and byte by byte", () => {
    for (let cut = 0; cut <= one.bytes.length; cut++) {
      const tracker = track(one);
      expect(tracker.feed(one.bytes.subarray(0, cut), 0)).toBe(cut);
      expect(tracker.isDone).toBe(cut === one.bytes.length);
      const rest = one.bytes.subarray(cut);
      expect(tracker.feed(rest, 0)).toBe(rest.length);
      expect(tracker).toMatchObject({ isDone: true, ...one.says });
    }
    const tracker = track(one);
    for (const byte of one.bytes) {
      expect(tracker.isDone).toBe(false);
      tracker.feed(Buffer.from([byte]), 0);
    }
    expect(tracker).toMatchObject({ isDone: true, isAtBoundary: true, ...one.says });
  });
});

test("LOCAL INFILE: the file is asked for, and then answered", () => {
  const tracker = new ReplyTracker(false);
  tracker.begin(COMMAND.QUERY);
  tracker.feed(packets(Buffer.from("\u00fbdata.csv", "latin1")), 0);
  expect(tracker).toMatchObject({ isDone: false, wantsFile: true });
  tracker.wantsFile = false;
  tracker.feed(packets(ok(3)), 0);
  expect(tracker).toMatchObject({ isDone: true, outcome: "ok", wantsFile: false });
});

test("the session track of an OK is at hand, also of one in pieces", () => {
  const bytes = packets(ok(TRACKED | 2, [0, 5, 1, 3, 2, 97, 98]));
  for (let cut = 0; cut < bytes.length; cut++) {
    const tracker = new ReplyTracker(false);
    tracker.begin(COMMAND.QUERY);
    tracker.feed(bytes.subarray(0, cut), 0);
    tracker.feed(bytes.subarray(cut), 0);
    expect(tracker.tracked?.toString("hex")).toBe(bytes.subarray(4).toString("hex"));
  }
});

describe("packets of 16 MB and more", () => {
  const long = (first: number, more: number): Buffer => {
    const head = Buffer.from([0xff, 0xff, 0xff, 5]);
    const body = Buffer.alloc(0xffffff, 0xfe);
    body[0] = first;
    const rest = Buffer.alloc(4 + more, 0xfe);
    rest.writeUIntLE(more, 0, 3);
    return Buffer.concat([head, body, rest]);
  };
  const feedAll = (tracker: ReplyTracker, bytes: Buffer, by: number): void => {
    for (let at = 0; at < bytes.length; at += by) tracker.feed(bytes.subarray(at, at + by), 0);
  };

  test.each([
    [0xfe, 5],
    [0xfd, 0],
    [0xfe, 0],
    [1, 7],
  ])("a row that begins with %p and goes on for %p bytes is a row", (first, more) => {
    for (const deprecateEof of [false, true]) {
      const head = deprecateEof ? packets([1], column()) : packets([1], column(), eof());
      const end = packets(deprecateEof ? okEof(3) : eof(3));
      for (const by of [65_536, 1 << 25, 0xffffff + 4]) {
        const tracker = new ReplyTracker(deprecateEof);
        tracker.begin(COMMAND.QUERY);
        feedAll(tracker, Buffer.concat([head, long(first, more)]), by);
        expect(tracker).toMatchObject({ isDone: false, isAtBoundary: true });
        feedAll(tracker, end, by);
        expect(tracker).toMatchObject({ isDone: true, outcome: "ok", status: 3 });
      }
    }
  });
});
