import { expect, test } from "bun:test";
import { errorBeforeGreeting } from "./error-packet.ts";
import { connectionIdOf, userOf } from "./first-packets.ts";

const packet = (...parts: readonly Buffer[]): Buffer => {
  const body = Buffer.concat(parts);
  const head = Buffer.alloc(4);
  head.writeUIntLE(body.length, 0, 3);
  return Buffer.concat([head, body]);
};
const number = (value: number): Buffer => {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value);
  return bytes;
};

test("the connection's number is in the greeting", () => {
  const greeting = packet(Buffer.from("\n10.11.6-MariaDB\0"), number(70_000), Buffer.alloc(30));
  expect(connectionIdOf(greeting)).toBe(70_000);
  for (let bytes = 0; bytes < 25; bytes++)
    expect(connectionIdOf(greeting.subarray(0, bytes))).toBeUndefined();
  expect(connectionIdOf(errorBeforeGreeting({ errno: 1040, sentence: "Too many" }))).toBeUndefined();
});

test("the user is in a plain login, and not in a request for TLS", () => {
  const login = packet(number(0x200), number(1 << 24), Buffer.alloc(24), Buffer.from("shop\0rest"));
  expect(userOf(login)).toBe("shop");
  for (let bytes = 0; bytes < login.length - 5; bytes++)
    expect(userOf(login.subarray(0, bytes))).toBeUndefined();
  const request = packet(number(0xa00), number(1 << 24), Buffer.alloc(24));
  expect(userOf(Buffer.concat([request, Buffer.from("\u0016\u0003\u0001\u0000secret")]))).toBeUndefined();
});

test("an error before the greeting is what the server's own is", () => {
  const bytes = errorBeforeGreeting({ errno: 1040, sentence: "Too many connections" });
  expect(bytes.toString("latin1")).toBe("\u0017\u0000\u0000\u0000\u00ff\u0010\u0004Too many connections");
  expect(errorBeforeGreeting({ errno: 2003, sentence: "x".repeat(1000) })).toHaveLength(7 + 511);
});
