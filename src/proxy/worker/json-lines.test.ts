import { expect, test } from "bun:test";
import { JsonLines, jsonLine } from "./json-lines.ts";

const MESSAGES = [{ a: 1 }, { text: "two\nlines and ü" }, {}];
const BYTES = Buffer.from(MESSAGES.map(jsonLine).join(""));

test("messages come whole, however the bytes are cut", () => {
  for (let first = 0; first <= BYTES.length; first++) {
    for (let second = first; second <= BYTES.length; second++) {
      const got: unknown[] = [];
      const lines = new JsonLines((message) => got.push(message));
      for (const part of [BYTES.subarray(0, first), BYTES.subarray(first, second), BYTES.subarray(second)])
        lines.feed(part);
      expect(got).toEqual(MESSAGES);
    }
  }
});

test("what is no message, and what never ends, is an error", () => {
  const lines = new JsonLines(() => {});
  expect(() => lines.feed(Buffer.from("nonsense\n"))).toThrow();
  const endless = new JsonLines(() => {});
  const block = Buffer.alloc(16 << 20, "x");
  expect(() => {
    for (let i = 0; i < 5; i++) endless.feed(block);
  }).toThrow("a message of more than");
});
