import { describe, expect, test } from "bun:test";
import { framed } from "../../wire/packet.ts";
import { firstRow } from "./question.ts";

const column = (): Buffer => framed(2, Buffer.from("\u0003def\u0000\u0000\u0000\u0001a\u0001a"));
const eof = (): Buffer => framed(3, Buffer.from([0xfe, 0, 0, 2, 0]));
const row = (...bytes: readonly number[]): Buffer => framed(4, Buffer.from(bytes));
const result = (hasEofPackets: boolean, columns: number, ...rows: readonly Buffer[]): Buffer =>
  Buffer.concat([
    framed(1, Buffer.from([columns])),
    ...Array.from({ length: columns }, column),
    ...(hasEofPackets ? [eof()] : []),
    ...rows,
    eof(),
  ]);

describe.each([true, false])("EOF packets: %p", (hasEofPackets) => {
  test("the first of several rows, with NULL, an empty and a long text", () => {
    const long = "x".repeat(300);
    const first = row(0xfb, 0, 0xfc, 44, 1, ...Buffer.from(long));
    expect(firstRow(result(hasEofPackets, 3, first, row(1, 97, 1, 98, 1, 99)), hasEofPackets)).toEqual([
      null,
      "",
      long,
    ]);
  });

  test("no rows, or no result: nothing", () => {
    expect(firstRow(result(hasEofPackets, 2), hasEofPackets)).toBeUndefined();
    expect(firstRow(framed(1, Buffer.from([0, 0, 0, 2, 0, 0, 0])), hasEofPackets)).toBeUndefined();
  });

  test("never reads beyond what is there", () => {
    const whole = result(hasEofPackets, 2, row(1, 97, 2, 98, 99));
    for (let bytes = 4; bytes < whole.length; bytes++)
      expect(() => firstRow(whole.subarray(0, bytes), hasEofPackets)).not.toThrow();
  });
});
