import { expect, test } from "bun:test";
import { type ServerSentEvent, SseParser } from "./sse-parser.ts";

const STREAM = Buffer.from(
  [
    ": a comment\n\n",
    'id: 1\nevent: server_down\ndata: {"a":\ndata: 1}\n\n',
    "id: 2\r\ndata: grün\r\n\r\n",
    "data:bare\rid\r\r",
    "event: nothing\n\n",
    "data: last\n\ndata: cut off",
  ].join(""),
);
const EVENTS: readonly ServerSentEvent[] = [
  { id: "1", type: "server_down", data: '{"a":\n1}' },
  { id: "2", type: "message", data: "grün" },
  { id: "", type: "message", data: "bare" },
  { id: "", type: "message", data: "last" },
];

test("the same events wherever the bytes are split", () => {
  for (let first = 0; first <= STREAM.length; first += 1) {
    for (let second = first; second <= STREAM.length; second += 1) {
      const parser = new SseParser();
      const parts = [STREAM.subarray(0, first), STREAM.subarray(first, second), STREAM.subarray(second)];
      expect(parts.flatMap((part) => parser.push(part))).toEqual([...EVENTS]);
    }
  }
});

test("an event without end is refused, in one line or in many", () => {
  const chunk = Buffer.alloc(600_000, "x");
  const oneLine = new SseParser();
  oneLine.push(chunk);
  expect(() => oneLine.push(chunk)).toThrow("sent an event of over");
  const manyLines = new SseParser();
  manyLines.push(Buffer.from(`data: ${chunk}\n`));
  expect(() => manyLines.push(Buffer.from(`data: ${chunk}\n`))).toThrow("sent an event of over");
});
