// However the network cuts the bytes of requests, they read the same.
import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { type Parsed, RequestParser } from "../../src/publish/http/request-parser.ts";

const STREAMS = {
  "HAProxy's httpchk": "OPTIONS / HTTP/1.0\r\n\r\n",
  "an HTTP/0.9 monitor": "GET /\r\n",
  "curl with a body, then HEAD":
    "POST /hint HTTP/1.1\r\nHost: db1:9200\r\nContent-Length: 11\r\n\r\nhello\r\n\r\n12HEAD /replica?lag=5s HTTP/1.1\r\n\r\n",
  "bare line feeds and empty lines":
    "\r\n\nGET /a HTTP/1.1\nConnection: keep-alive\n\n\r\nGET /b HTTP/1.1\n\n",
  "a half request": "GET / HTTP/1.1\r\nHost: x",
  "a bad header after a good request": "GET / HTTP/1.1\r\n\r\nGET / HTTP/1.1\r\nbad header\r\n\r\n",
  "binary garbage": "\x16\x03\x01\x00\xa5\x01\x00\x00",
} as const;

/** What the stream reads as in these pieces; ends with the first answer that is no request. */
function readIn(pieces: readonly Buffer[]): readonly Parsed[] {
  const parser = new RequestParser();
  const read: Parsed[] = [];
  let last: Parsed = { kind: "incomplete", hasBegun: false };
  for (const piece of pieces) {
    parser.push(piece);
    for (last = parser.next(); last.kind === "request"; last = parser.next()) read.push(last);
    if (last.kind === "malformed") break;
  }
  return [...read, last];
}

describe.each(Object.entries(STREAMS))("%s", (_name, text) => {
  const bytes = Buffer.from(text, "latin1");
  const whole = readIn([bytes]);

  test("in every two pieces", () => {
    for (let i = 0; i <= bytes.length; i++) {
      expect(readIn([bytes.subarray(0, i), bytes.subarray(i)])).toEqual(whole);
    }
  });

  test("byte by byte", () => {
    expect(readIn([...bytes].map((byte) => Buffer.from([byte])))).toEqual(whole);
  });

  test("in any pieces", () => {
    fc.assert(
      fc.property(fc.array(fc.nat(bytes.length), { maxLength: 8 }), (cuts) => {
        const ends = [...cuts, bytes.length].sort((a, b) => a - b);
        expect(readIn(ends.map((end, i) => bytes.subarray(ends[i - 1] ?? 0, end)))).toEqual(whole);
      }),
    );
  });
});

test("no bytes whatsoever make the parser throw, or keep more than a head and a piece", () => {
  const piece = fc.oneof(
    fc.uint8Array({ maxLength: 300 }),
    fc.constantFrom(...Object.values(STREAMS)).map((s) => Buffer.from(s, "latin1")),
  );
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 20 }), (pieces) => {
      const parser = new RequestParser();
      for (const bytes of pieces) {
        parser.push(Buffer.from(bytes));
        while (parser.next().kind === "request");
        expect(parser.pendingBytes).toBeLessThanOrEqual(8192 + 300);
      }
    }),
  );
});
