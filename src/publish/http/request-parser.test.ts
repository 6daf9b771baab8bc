import { describe, expect, test } from "bun:test";
import type { HttpRequest } from "./http-request.ts";
import {
  MAX_BODY_BYTES,
  MAX_HEAD_BYTES,
  MAX_KEPT_BODY,
  type Parsed,
  RequestParser,
} from "./request-parser.ts";

function parse(text: string | Buffer): Parsed {
  const parser = new RequestParser();
  parser.push(Buffer.from(text as string, "latin1"));
  return parser.next();
}

function request(text: string): HttpRequest {
  const parsed = parse(text);
  if (parsed.kind !== "request") throw new Error(`not a request but ${JSON.stringify(parsed)}`);
  return parsed.request;
}

describe("request line", () => {
  test.each([
    ["GET / HTTP/1.1", "GET", "/", ""],
    ["OPTIONS / HTTP/1.0", "OPTIONS", "/", ""],
    ["OPTIONS * HTTP/1.1", "OPTIONS", "/", ""],
    ["HEAD /replica?lag=5s HTTP/1.1", "HEAD", "/replica", "lag=5s"],
    ["GET /a?b?c#d HTTP/1.1", "GET", "/a", "b?c"],
    ["GET http://db1:9200/primary?x=1 HTTP/1.1", "GET", "/primary", "x=1"],
    ["GET HTTP://db1 HTTP/1.1", "GET", "/", ""],
    ["POST  /hint  HTTP/1.7 ", "POST", "/hint", ""],
    ["BREW /pot HTTP/1.1", "BREW", "/pot", ""],
  ])("%s", (line, method, path, query) => {
    expect(request(`${line}\r\n\r\n`)).toMatchObject({ method, path, query });
  });

  test("HTTP/0.9 is complete with its line, and closes", () => {
    expect(request("GET /\r\n")).toMatchObject({ method: "GET", path: "/", keepAlive: false });
    expect(request("GET /primary\n")).toMatchObject({ path: "/primary", keepAlive: false });
  });

  test("empty lines may come first", () => {
    expect(request("\r\n\r\n\nGET /x HTTP/1.1\r\n\r\n").path).toBe("/x");
    expect(parse("\r\n\r\n")).toEqual({ kind: "incomplete", hasBegun: false });
  });

  test.each([
    "GET\r\n\r\n",
    "POST /\r\n",
    "hello there\r\n",
    "GET  \r\n",
    "GET / HTTP/x.y\r\n",
    "GET / HTTP/1.1 more\r\n",
    "G(T / HTTP/1.1\r\n",
    " GET / HTTP/1.1\r\n",
  ])("%j is malformed", (text) => expect(parse(text)).toMatchObject({ kind: "malformed", status: 400 }));

  test.each(["GET / HTTP/2.0\r\n", "PRI * HTTP/2.0\r\n", "GET / HTTP/0.8\r\n"])(
    "%j is another protocol",
    (text) => {
      expect(parse(text)).toMatchObject({ kind: "malformed", status: 505 });
    },
  );

  test("TLS is told from the first byte", () => {
    expect(parse(Buffer.from([0x16]))).toEqual({
      kind: "malformed",
      status: 400,
      sentence: "TLS was spoken to a plain HTTP port.",
    });
  });

  test.each(["\x00", "\x80GET", "GET /\x01", "GET /\xff HTTP/1.1\r\n\r\n"])(
    "garbage %j is not waited for",
    (text) => {
      expect(parse(text)).toMatchObject({
        kind: "malformed",
        status: 400,
        sentence: "What came is not an HTTP request.",
      });
    },
  );
});

describe("headers", () => {
  test.each([
    ["HTTP/1.1", "", true],
    ["HTTP/1.1", "Connection: close\r\n", false],
    ["HTTP/1.1", "CONNECTION:Close\r\n", false],
    ["HTTP/1.1", "Connection: upgrade, close\r\n", false],
    ["HTTP/1.0", "", false],
    ["HTTP/1.0", "Connection: Keep-Alive\r\n", true],
    ["HTTP/1.0", "Connection: keep-alive, TE\r\n", true],
    ["HTTP/1.0", "Connection: keep-alive\r\nConnection: close\r\n", false],
    ["HTTP/1.1", "Transfer-Encoding: chunked\r\n", false],
    ["HTTP/1.1", "Expect: 100-continue\r\nContent-Length: 5\r\n", false],
  ])("%s %j: keep-alive is %p", (version, headers, keepAlive) => {
    expect(request(`GET / ${version}\r\n${headers}\r\n`).keepAlive).toBe(keepAlive);
  });

  test("Authorization is kept", () => {
    expect(request("GET / HTTP/1.1\r\nauthorization: Basic YTpi \r\n\r\n").authorization).toBe("Basic YTpi");
    expect(request("GET / HTTP/1.1\r\n\r\n").authorization).toBeUndefined();
  });

  test("values may hold any text and be empty; a bare LF ends a line", () => {
    expect(request("GET / HTTP/1.1\nHost:\nUser-Agent: caf\xe9 \t x\n\n").keepAlive).toBe(true);
  });

  test.each(["Host\r\n", "Host : x\r\n", ": x\r\n", " folded\r\n", "A: \x01\r\n", "A: b\rc\r\n"])(
    "%j is malformed",
    (header) => {
      expect(parse(`GET / HTTP/1.1\r\n${header}\r\n`)).toMatchObject({ kind: "malformed", status: 400 });
    },
  );

  test("more than 8 KiB of head are refused, complete or not", () => {
    const long = `GET / HTTP/1.1\r\nX: ${"x".repeat(MAX_HEAD_BYTES)}`;
    expect(parse(long)).toMatchObject({ kind: "malformed", status: 431 });
    expect(parse(`GET /${"x".repeat(MAX_HEAD_BYTES)} HTTP/1.1\r\n\r\n`)).toMatchObject({ status: 431 });
    expect(parse(`GET / HTTP/1.1\r\n${"A: b\r\n".repeat(MAX_HEAD_BYTES / 6)}\r\n`)).toMatchObject({
      status: 431,
    });
    const fits = "GET / HTTP/1.1\r\nX: ";
    expect(request(`${fits}${"x".repeat(MAX_HEAD_BYTES - fits.length - 4)}\r\n\r\n`).method).toBe("GET");
  });
});

describe("bodies", () => {
  test("a body of known length is read, and its beginning kept", () => {
    expect(request("POST / HTTP/1.1\r\nContent-Length: 5\r\n\r\nhello").body.toString()).toBe("hello");
    const long = request(
      `POST / HTTP/1.1\r\nContent-Length: ${MAX_BODY_BYTES}\r\n\r\n${"b".repeat(MAX_BODY_BYTES)}`,
    );
    expect(long.body.length).toBe(MAX_KEPT_BODY);
  });

  test("a longer one is refused", () => {
    expect(parse(`POST / HTTP/1.1\r\nContent-Length: ${MAX_BODY_BYTES + 1}\r\n\r\n`)).toMatchObject({
      status: 413,
    });
  });

  test.each(["x", "-1", "1,1", "", "0x10", "9999999999999999"])(
    "Content-Length %j is malformed",
    (length) => {
      expect(parse(`POST / HTTP/1.1\r\nContent-Length: ${length}\r\n\r\n`)).toMatchObject({ status: 400 });
    },
  );

  test("two different lengths are malformed, twice the same is not", () => {
    const twice = (a: number, b: number) =>
      parse(`POST / HTTP/1.1\r\nContent-Length: ${a}\r\nContent-Length: ${b}\r\n\r\nxy`);
    expect(twice(1, 2)).toMatchObject({ kind: "malformed", status: 400 });
    expect(twice(2, 2)).toMatchObject({ kind: "request" });
  });

  test("a body of unknown length is not waited for", () => {
    expect(request("POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n").body.length).toBe(0);
  });
});

test("requests in one piece come one by one", () => {
  const parser = new RequestParser();
  parser.push(
    Buffer.from(
      "GET /1 HTTP/1.1\r\n\r\nPOST /2 HTTP/1.1\r\nContent-Length: 2\r\n\r\nokGET /3 HTTP/1.1\r\n\r\nGET",
    ),
  );
  const paths = [parser.next(), parser.next(), parser.next()].map(
    (p) => p.kind === "request" && p.request.path,
  );
  expect(paths).toEqual(["/1", "/2", "/3"]);
  expect(parser.next()).toEqual({ kind: "incomplete", hasBegun: true });
  expect(parser.pendingBytes).toBe(3);
});

test("nothing is read after what was malformed", () => {
  const parser = new RequestParser();
  parser.push(Buffer.from("\x00"));
  expect(parser.next().kind).toBe("malformed");
  parser.push(Buffer.from("GET / HTTP/1.1\r\n\r\n"));
  expect(parser.next().kind).toBe("malformed");
});
