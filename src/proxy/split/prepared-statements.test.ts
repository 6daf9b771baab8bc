import { describe, expect, test } from "bun:test";
import { framed } from "../../wire/packet.ts";
import { PreparedStatements, renumber, type Statement, withTypes } from "./prepared-statements.ts";

const statement = (id: number, parameters = 2): Statement => ({
  id,
  command: Buffer.from("prepare"),
  flags: 0,
  database: undefined,
  parameters,
  types: undefined,
  executedOn: undefined,
  hasCursor: false,
  longDataOn: undefined,
});
const number = (value: number): number[] => [
  value & 0xff,
  (value >> 8) & 0xff,
  (value >> 16) & 0xff,
  value >>> 24,
];
const TYPES = [3, 0, 253, 0];
const execute = (types: readonly number[] | undefined): Buffer =>
  framed(
    0,
    Buffer.from([
      0x17,
      ...number(7),
      0,
      ...number(1),
      0,
      types ? 1 : 0,
      ...(types ?? []),
      42,
      0,
      0,
      0,
      1,
      120,
    ]),
  );
const bulk = (types: readonly number[] | undefined): Buffer =>
  framed(0, Buffer.from([0xfa, ...number(7), types ? 128 : 0, 0, ...(types ?? []), 0, 42, 0, 0, 0]));

describe.each([
  ["an execution", execute, false],
  ["a bulk execution", bulk, true],
] as const)("%s", (_name, packet, isBulk) => {
  test("brings its types, and they are remembered", () => {
    const one = statement(7);
    const command = packet(TYPES);
    expect(withTypes(command, isBulk, one, undefined)).toBe(command);
    expect([...(one.types ?? [])]).toEqual(TYPES);
  });

  test("without types is as it is where the server knows them", () => {
    const one = statement(7);
    one.types = Buffer.from(TYPES);
    const command = packet(undefined);
    expect(withTypes(command, isBulk, one, one.types)).toBe(command);
  });

  test("without types gets those of before where the server does not know them", () => {
    const one = statement(7);
    one.types = Buffer.from(TYPES);
    expect(withTypes(packet(undefined), isBulk, one, undefined)).toEqual(packet(TYPES));
  });

  test("that ends too early is the server's to refuse", () => {
    const whole = packet(TYPES);
    for (let bytes = 9; bytes < 11; bytes++) {
      const command = whole.subarray(0, bytes);
      expect(withTypes(command, isBulk, statement(7), undefined)).toBe(command);
    }
  });
});

test("statements are found by our number, and by the one for the last", () => {
  const statements = new PreparedStatements();
  const id = statements.nextId();
  const one = statement(id);
  statements.add(one);
  const closing = framed(0, Buffer.from([0x19, ...number(id)]));
  expect(statements.named(closing)).toBe(one);
  renumber(closing, 0xffffffff);
  expect(statements.named(closing)).toBe(one);
  statements.nextId();
  expect(statements.named(closing)).toBeUndefined();
  renumber(closing, 99);
  expect(statements.named(closing)).toBeUndefined();
  expect(statements.named(closing.subarray(0, 8))).toBeUndefined();
  statements.delete(one);
  expect(statements).toMatchObject({ count: 0, bytes: 0 });
});
