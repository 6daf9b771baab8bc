import { describe, expect, test } from "bun:test";
import { CommandReader, MOST_LOOKED_AT_BYTES } from "./command-reader.ts";

const packet = (payload: Buffer | string, sequence = 0): Buffer => {
  const body = Buffer.from(payload as string, "latin1");
  const head = Buffer.alloc(4);
  head.writeUIntLE(body.length, 0, 3);
  head[3] = sequence;
  return Buffer.concat([head, body]);
};

/** All that can be read now, as texts. */
function readAll(reader: CommandReader): string[] {
  const found: string[] = [];
  for (;;) {
    if (reader.isPassing) {
      const bytes = reader.pass();
      if (bytes === undefined) return found;
      found.push(`passed ${bytes.length}`);
      continue;
    }
    const reading = reader.take();
    if (reading === "incomplete") return found;
    if (reading === "malformed") return [...found, reading];
    found.push(reading === "long" ? reading : reader.bytes.toString("latin1", 4));
  }
}

test("one command in one chunk is that chunk", () => {
  const reader = new CommandReader();
  const chunk = packet("\u0003SELECT 1");
  reader.push(chunk);
  expect(reader.take()).toBe("command");
  expect(reader.bytes).toBe(chunk);
  expect(reader.held).toBe(0);
});

test("commands are found however they are cut", () => {
  const bytes = Buffer.concat([
    packet("\u0003SELECT 1"),
    packet("\u000e"),
    packet(`\u0003${"x".repeat(300)}`),
  ]);
  const whole = ["\u0003SELECT 1", "\u000e", `\u0003${"x".repeat(300)}`];
  for (let cut = 0; cut <= bytes.length; cut++) {
    const reader = new CommandReader();
    const found: string[] = [];
    for (const part of [bytes.subarray(0, cut), bytes.subarray(cut)]) {
      if (part.length > 0) reader.push(part);
      found.push(...readAll(reader));
    }
    expect(found).toEqual(whole);
    expect(reader.held).toBe(0);
  }
  const reader = new CommandReader();
  const found: string[] = [];
  for (const byte of bytes) {
    reader.push(Buffer.from([byte]));
    found.push(...readAll(reader));
  }
  expect(found).toEqual(whole);
});

test("a packet that is out of order, or empty, is none", () => {
  for (const bytes of [packet("\u0003SELECT 1", 1), packet("")]) {
    const reader = new CommandReader();
    reader.push(bytes);
    expect(reader.take()).toBe("malformed");
  }
});

describe("what is passed on", () => {
  const passAll = (
    parts: readonly Buffer[],
    prepare: (reader: CommandReader) => void,
  ): [Buffer, CommandReader] => {
    const reader = new CommandReader();
    const passed: Buffer[] = [];
    let hasBegun = false;
    for (const part of parts) {
      reader.push(part);
      if (!hasBegun) prepare(reader);
      hasBegun = reader.isPassing || hasBegun;
      for (let bytes = reader.pass(); bytes !== undefined; bytes = reader.pass()) passed.push(bytes);
    }
    return [Buffer.concat(passed), reader];
  };
  const cut = (bytes: Buffer, by: number): Buffer[] =>
    Array.from({ length: Math.ceil(bytes.length / by) }, (_, i) => bytes.subarray(i * by, (i + 1) * by));

  test("a long command, of one packet or several, up to its end", () => {
    const next = packet("\u000e");
    const tail = (bytes: number): Buffer => packet(Buffer.alloc(bytes), 1);
    for (const long of [
      packet(Buffer.alloc(MOST_LOOKED_AT_BYTES + 1, 3)),
      Buffer.concat([packet(Buffer.alloc(0xffffff, 3)), tail(0)]),
      Buffer.concat([packet(Buffer.alloc(0xffffff, 3)), tail(0xffffff), tail(9)]),
    ]) {
      for (const by of [long.length, 65_536, 1_000_003]) {
        const parts = [...cut(long, by), next];
        const [passed, reader] = passAll(parts, (one) => one.take());
        expect(passed.equals(long)).toBe(true);
        expect(readAll(reader)).toEqual(["\u000e"]);
      }
    }
  });

  test("a file, up to the empty packet", () => {
    const file = Buffer.concat([packet("1,2\n", 2), packet("3,4\n", 3), packet("", 4)]);
    for (const by of [1, 2, 3, 5, file.length]) {
      const [passed, reader] = passAll(
        [...cut(file, by), packet("\u000e")],
        (one) => one.isPassing || one.beginFile(),
      );
      expect(passed.equals(file)).toBe(true);
      expect(readAll(reader)).toEqual(["\u000e"]);
    }
  });

  test("the empty packet that continues a long one does not end the file", () => {
    const file = Buffer.concat([
      packet(Buffer.alloc(0xffffff), 2),
      packet("", 3),
      packet("x", 4),
      packet("", 5),
    ]);
    const [passed] = passAll(cut(file, 1 << 20), (one) => one.isPassing || one.beginFile());
    expect(passed.length).toBe(file.length);
  });
});
