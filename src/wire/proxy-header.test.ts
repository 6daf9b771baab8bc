import { describe, expect, test } from "bun:test";
import { readProxyHeader, writeProxyHeader } from "./proxy-header.ts";

const V4 = {
  source: { address: "192.168.7.9", port: 51_000 },
  destination: { address: "10.0.0.1", port: 4006 },
};
const V6 = {
  source: { address: "fd00::17", port: 51_000 },
  destination: { address: "fd00::1", port: 4006 },
};

describe.each(["v1", "v2"] as const)("%s", (version) => {
  test.each([V4, V6])("what is written is read", (route) => {
    const header = writeProxyHeader(version, route);
    const withMore = Buffer.concat([header, Buffer.from("and more")]);
    expect(readProxyHeader(withMore)).toEqual({ kind: "header", bytes: header.length, source: route.source });
  });

  test("no part of it is taken for the whole or for something else", () => {
    const header = writeProxyHeader(version, V4);
    for (let bytes = 0; bytes < header.length; bytes++)
      expect(readProxyHeader(header.subarray(0, bytes))).toEqual({ kind: "incomplete" });
  });

  test("an unknown route is a header all the same", () => {
    expect(readProxyHeader(writeProxyHeader(version, undefined))).toMatchObject({
      kind: "header",
      source: undefined,
    });
  });

  test("an IPv4 client of a dual-stack socket is an IPv4 one", () => {
    const mapped = { ...V4, source: { address: "::ffff:192.168.7.9", port: 51_000 } };
    expect(writeProxyHeader(version, mapped)).toEqual(writeProxyHeader(version, V4));
  });

  test("a mixed pair is written as IPv6, and read as what it is", () => {
    const mixed = { source: V4.source, destination: V6.destination };
    const reading = readProxyHeader(writeProxyHeader(version, mixed));
    expect(reading).toMatchObject({ kind: "header", source: V4.source });
  });
});

test("version 1 is the text of its specification", () => {
  expect(String(writeProxyHeader("v1", V4))).toBe("PROXY TCP4 192.168.7.9 10.0.0.1 51000 4006\r\n");
});

test("version 2 is the bytes of its specification", () => {
  const bytes = "0d0a0d0a000d0a515549540a2111000cc0a807090a000001c7380fa6";
  expect(writeProxyHeader("v2", V4).toString("hex")).toBe(bytes);
});

test("what is no header is none; what is a broken one is broken", () => {
  for (const text of ["", "P"]) expect(readProxyHeader(Buffer.from(text)).kind).toBe("incomplete");
  for (const text of ["GET / HTTP/1.0", "PROXIMITY", "\u0001\u0000\u0000\u0001\u0001"])
    expect(readProxyHeader(Buffer.from(text)).kind).toBe("none");
  for (const text of [
    "PROXY TCP4 1.2.3.4 5.6.7.8 99999 1\r\n",
    "PROXY TCP4 1.2.3.444 5.6.7.8 1 1\r\n",
    "PROXY TCP6 fd00::1::2 fd00::1 1 1\r\n",
    "PROXY TCP6 1:2:3:4:5:6:7:8:9 fd00::1 1 1\r\n",
    "PROXY TCP6 1:2:3 fd00::1 1 1\r\n",
    "PROXY TCP6 fd00::12345 fd00::1 1 1\r\n",
    "PROXY TCP6 ::ffff:1.2.3.444 fd00::1 1 1\r\n",
    "PROXY TCP9 1.2.3.4 5.6.7.8 1 1\r\n",
    `PROXY TCP4 ${"1".repeat(110)}`,
  ])
    expect(readProxyHeader(Buffer.from(text)).kind).toBe("broken");
  const short = writeProxyHeader("v2", V4);
  short.writeUInt16BE(4, 14);
  expect(readProxyHeader(short).kind).toBe("broken");
  const unix = writeProxyHeader("v2", V4);
  unix[13] = 0x31;
  expect(readProxyHeader(unix)).toEqual({ kind: "header", bytes: unix.length, source: undefined });
});
