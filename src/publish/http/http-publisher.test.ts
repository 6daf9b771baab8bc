// The responder against real sockets, with a clock that the test moves.
import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { eventually } from "../../../test/eventually.ts";
import { FakeClock } from "../../../test/support/fake-clock.ts";
import { aVerdict, FakeFleet, JUDGED_AT } from "../../../test/support/fake-fleet.ts";
import { exchange, RawClient } from "../../../test/support/raw-client.ts";
import { SILENT_LOG } from "../../telemetry/log.ts";
import { HTTP_DEFAULTS, HttpPublisher, type HttpPublisherOptions } from "./http-publisher.ts";

const YES = "GALERA_SYNCED: the Galera node is synced\n";

let clock: FakeClock;
let fleet: FakeFleet;
let publisher: HttpPublisher;
let clients: RawClient[];

async function start(changes: Partial<HttpPublisherOptions> = {}): Promise<void> {
  const listen = { kind: "tcp", host: "::", port: 0 } as const;
  publisher = new HttpPublisher(
    { ...HTTP_DEFAULTS, name: "health", servers: ["db1"], listen, ...changes },
    fleet,
    clock,
    SILENT_LOG,
  );
  await publisher.start();
}

const target = () => ({ host: "127.0.0.1", port: publisher.port ?? 0 });
const ask = (bytes: string | Buffer) => exchange(target(), bytes);
const statusOf = (answer: string) => Number(answer.split(" ")[1]);

/** A client that the publisher knows of. */
async function join(): Promise<RawClient> {
  const before = publisher.counters.accepted;
  const client = await RawClient.open(target());
  clients.push(client);
  await eventually(() => publisher.counters.accepted > before, { what: "accepted" });
  return client;
}

beforeEach(() => {
  clock = new FakeClock(JUDGED_AT);
  fleet = new FakeFleet({ db1: aVerdict({ staleAt: JUDGED_AT + 1e9 }) });
  clients = [];
});

afterEach(async () => {
  for (const client of clients) client.close();
  const closed = publisher.close();
  clock.advance(1000);
  await closed;
});

describe("requests", () => {
  beforeEach(() => start());

  test.each([
    "GET / HTTP/1.0\r\n\r\n",
    "OPTIONS / HTTP/1.0\r\n\r\n",
    "GET /any/thing HTTP/1.1\r\nConnection: close\r\n\r\n",
    "POST / HTTP/1.0\r\nContent-Length: 3\r\n\r\nabc",
    "GET /\r\n",
    "GET /primary HTTP/1.0\r\n\r\n",
  ])("%j is answered, then closed", async (bytes) => {
    const answer = await ask(bytes);
    expect(answer).toStartWith("HTTP/1.1 200 OK\r\n");
    expect(answer).toContain("\r\nConnection: close\r\n");
    expect(answer).toEndWith(`\r\n\r\n${YES}`);
  });

  test("HEAD has no body", async () => {
    const answer = await ask("HEAD / HTTP/1.0\r\n\r\n");
    expect(answer).toContain(`Content-Length: ${YES.length}\r\n`);
    expect(answer).toEndWith("\r\n\r\n");
  });

  test("other methods are told which there are", async () => {
    const answer = await ask("DELETE / HTTP/1.0\r\n\r\n");
    expect(statusOf(answer)).toBe(405);
    expect(answer).toContain("\r\nAllow: GET, HEAD, OPTIONS, POST\r\n");
  });

  test("a connection is kept, and its requests are answered in order", async () => {
    const client = await join();
    client.send("GET / HTTP/1.1\r\n\r\nGET /donor HTTP/1.1\r\n\r\nHEAD / HTTP/1.1\r\n\r\n");
    client.send("GET /liveness HTTP/1.1\r\nConnection: close\r\n\r\n");
    const answer = await client.untilEnd();
    expect(answer.match(/HTTP\/1.1 \d+/g)).toEqual([
      "HTTP/1.1 200",
      "HTTP/1.1 503",
      "HTTP/1.1 200",
      "HTTP/1.1 200",
    ]);
    expect(answer).toEndWith("The agent lives.\n");
    expect(publisher.counters.requests).toBe(4);
  });

  test.each([
    ["TLS", "\x16\x03\x01\x02\x00\x01\x00\x01\xfc", 400],
    ["garbage", "\x00\xff\xfe", 400],
    ["no request line", "hello there\r\n\r\n", 400],
    ["a head of 9 KiB", `GET / HTTP/1.1\r\nX: ${"x".repeat(9000)}\r\n\r\n`, 431],
    ["a body of 1 MiB", "POST / HTTP/1.1\r\nContent-Length: 1048576\r\n\r\n", 413],
    ["HTTP/2", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505],
    ["a bad query", "GET /replica?lag=abc HTTP/1.0\r\n\r\n", 400],
  ])("%s is refused", async (_what, bytes, status) => {
    expect(statusOf(await ask(Buffer.from(bytes, "latin1")))).toBe(status);
    expect(await ask("GET / HTTP/1.0\r\n\r\n")).toEndWith(YES);
  });

  test("readiness is the first probe's end", async () => {
    expect(statusOf(await ask("GET /readiness HTTP/1.0\r\n\r\n"))).toBe(200);
    fleet.set("db1", aVerdict({ up: false, known: false, code: "STARTING" }));
    expect(statusOf(await ask("GET /readiness HTTP/1.0\r\n\r\n"))).toBe(503);
    expect(statusOf(await ask("GET /liveness HTTP/1.0\r\n\r\n"))).toBe(200);
  });

  test("/status is the verdict's document", async () => {
    const [, body = ""] = (await ask("GET /status HTTP/1.0\r\n\r\n")).split("\r\n\r\n");
    expect(JSON.parse(body)).toMatchObject({ server: "db1", up: true, code: "GALERA_SYNCED", age_ms: 0 });
    expect(statusOf(await ask("GET /status?server=db9 HTTP/1.0\r\n\r\n"))).toBe(404);
  });

  test("without metrics, /metrics is a path like any other", async () => {
    expect(await ask("GET /metrics HTTP/1.0\r\n\r\n")).toEndWith(YES);
  });
});

describe("clients that do not do what is expected", () => {
  beforeEach(() => start());

  test("one that says nothing is answered after 200 ms", async () => {
    const client = await join();
    clock.advance(199);
    expect(publisher.counters.requests).toBe(0);
    clock.advance(1);
    expect(await client.untilEnd()).toEndWith(YES);
  });

  test("one whose request lies unread when its time ends is not taken for silent", async () => {
    const client = await join();
    await eventually(() => publisher.phases.silent === 1, { what: "accepted" });
    client.send("GET /replica HTTP/1.0\r\n\r\n");
    clock.advance(200); // no turn of the event loop has read it yet
    expect(statusOf(await client.untilEnd())).toBe(503);
    expect(publisher.counters.requests).toBe(1);
  });

  test("one that presses Enter says nothing yet", async () => {
    const client = await join();
    client.send("\r\n");
    const other = await ask("GET / HTTP/1.0\r\n\r\n"); // by then the publisher has read the line end, too
    expect(other).toEndWith(YES);
    clock.advance(200);
    expect(await client.untilEnd()).toEndWith(YES);
  });

  test("one that half-closes without a word is answered at once", async () => {
    const client = await join();
    client.socket.end();
    expect(await client.untilEnd()).toEndWith(YES);
  });

  test("the time for a request is what was configured", async () => {
    await start({ requestMs: 300 });
    const client = await join();
    client.send("GET / HT");
    await eventually(() => publisher.phases.request === 1, { what: "the request has begun" });
    clock.advance(299);
    expect(publisher.phases.request).toBe(1);
    clock.advance(1);
    expect(statusOf(await client.untilEnd())).toBe(400);
  });

  test("one that stops in the middle of a request gets 400 after 5 s", async () => {
    const client = await join();
    client.send("GET / HTT");
    await eventually(() => publisher.phases.request === 1, { what: "request begun" });
    clock.advance(4000);
    client.send("P/1.1\r\nX: y"); // more bytes buy no more time
    clock.advance(999);
    expect(client.received).toBe("");
    clock.advance(1);
    expect(statusOf(await client.untilEnd())).toBe(400);
  });

  test("one that half-closes in the middle of a request gets 400 at once", async () => {
    const client = await join();
    client.send("GET / HTTP/1.0\r\nHost");
    client.socket.end();
    expect(statusOf(await client.untilEnd())).toBe(400);
  });

  test("one that half-closes after its request is answered", async () => {
    const client = await join();
    client.send("GET / HTTP/1.1\r\n\r\n");
    client.socket.end();
    expect(await client.untilEnd()).toEndWith(YES);
  });

  test("one that goes on sending after its answer is not reset, and is left after 2 s", async () => {
    const client = await join();
    client.send("GET / HTTP/1.0\r\n\r\n");
    expect(await client.untilEnd()).toEndWith(YES);
    for (let i = 0; i < 20; i++) {
      client.send("x".repeat(10_000));
      await eventually(() => client.socket.writableLength === 0, { what: "read and dropped" });
    }
    expect(client.errorCode).toBeUndefined();
    await eventually(() => publisher.phases.linger === 1, { what: "lingers" });
    clock.advance(2000);
    await eventually(() => publisher.phases.linger === 0, { what: "left" });
  });

  test("one that resets after the status line disturbs nobody", async () => {
    const other = await join();
    for (let i = 0; i < 50; i++) {
      const client = await join();
      client.send("GET / HTTP/1.1\r\n\r\nGET / HTTP/1.1\r\n\r\n");
      await client.untilReceived("HTTP/1.1 200");
      client.socket.resetAndDestroy();
    }
    other.send("GET / HTTP/1.0\r\n\r\n");
    expect(await other.untilEnd()).toEndWith(YES);
    await eventually(() => publisher.phases.idle === 0, { what: "all gone but one" });
  });

  test("an idle connection is closed after a minute", async () => {
    const client = await join();
    client.send("GET / HTTP/1.1\r\n\r\n");
    await client.untilReceived(YES);
    clock.advance(59_999);
    expect(client.hasEnded).toBe(false);
    clock.advance(1);
    expect(await client.untilEnd()).toEndWith(YES);
  });

  test("one that pipelines without end is answered some, and left", async () => {
    const client = await join();
    const request = "GET / HTTP/1.1\r\n\r\n";
    for (let i = 0; i < 200; i++) client.send(request.repeat(500));
    await client.untilEnd();
    expect(publisher.counters.requests).toBeLessThan(100_000);
    expect(client.received.match(/HTTP\/1.1 200/g)?.length).toBe(publisher.counters.requests);
  });

  test("one that pipelines some hundreds is answered all, in turn with others", async () => {
    const client = await join();
    client.send(`${"GET / HTTP/1.1\r\n\r\n".repeat(300)}GET /liveness HTTP/1.0\r\n\r\n`);
    client.socket.end();
    expect(await client.untilEnd()).toEndWith("The agent lives.\n");
    expect(client.received.match(/HTTP\/1.1 200/g)?.length).toBe(301);
  });
});

describe("limits", () => {
  test("a newcomer takes the place of who has least to lose", async () => {
    await start({ maxConnections: 3 });
    const half = await join();
    half.send("GET / H");
    const idle = await join();
    idle.send("GET / HTTP/1.1\r\n\r\n");
    await idle.untilReceived(YES);
    const silent = await join();
    await eventually(() => publisher.phases.request === 1 && publisher.phases.silent === 1, {
      what: "each in its phase",
    });

    const first = await join(); // the idle one leaves
    await idle.untilEnd();
    const second = await join(); // the half request leaves, with its answer
    expect(statusOf(await half.untilEnd())).toBe(400);
    const third = await join(); // the oldest silent one leaves, with its answer
    expect(await silent.untilEnd()).toEndWith(YES);
    expect(publisher.counters.evicted).toBe(3);
    for (const client of [first, second, third]) {
      client.send("GET / HTTP/1.0\r\n\r\n");
      expect(await client.untilEnd()).toEndWith(YES);
    }
  });

  test("hundreds of half requests do not keep a check from its answer", async () => {
    await start({ maxConnections: 50 });
    for (let i = 0; i < 300; i++) {
      const client = new RawClient(target());
      clients.push(client);
      client.send("GET / HTTP/1.1\r\nX");
    }
    for (let i = 0; i < 20; i++) expect(await ask("GET / HTTP/1.0\r\n\r\n")).toEndWith(YES);
    await eventually(() => publisher.counters.accepted === 320, { what: "all accepted" });
    const present = () => Object.values(publisher.phases).reduce((a, b) => a + b);
    await eventually(() => present() <= 50, { what: "as many as there are places" });
  });

  test("who is not in only_from gets no answer", async () => {
    await start({ onlyFrom: ["192.0.2.0/24", "fd00::/8"] });
    expect(await ask("GET / HTTP/1.0\r\n\r\n")).toBe("");
    expect(publisher.counters).toMatchObject({ accepted: 0, refused: 1 });
  });

  test("who is in it does, also as an IPv4 client of the dual-stack listener", async () => {
    await start({ onlyFrom: ["127.0.0.0/8"] });
    expect(await ask("GET / HTTP/1.0\r\n\r\n")).toEndWith(YES);
    expect(await exchange({ host: "::1", port: publisher.port ?? 0 }, "GET / HTTP/1.0\r\n\r\n")).toBe("");
  });

  test("a wrong network is refused before anybody listens", async () => {
    await expect(start({ onlyFrom: ["10.0.0.0/99"] })).rejects.toThrow(/only_from: 10.0.0.0\/99/);
  });
});

describe("metrics and credentials", () => {
  test("metrics may take their time; the next request waits for them", async () => {
    const { promise, resolve } = Promise.withResolvers<string>();
    await start({ metrics: () => promise });
    const client = await join();
    client.send("GET /metrics HTTP/1.1\r\n\r\nGET /liveness HTTP/1.0\r\n\r\n");
    await eventually(() => publisher.phases.answering === 1, { what: "asked" });
    expect(client.received).toBe("");
    resolve("up 1\n");
    const answer = await client.untilEnd();
    expect(answer).toContain("Content-Type: text/plain; version=0.0.4; charset=utf-8\r\n");
    expect(answer).toMatch(/up 1\nHTTP\/1.1 200 OK\r\n[\s\S]*The agent lives.\n$/);
  });

  test("metrics that never come are given up after 5 s", async () => {
    await start({ metrics: () => new Promise(() => {}) });
    const client = await join();
    client.send("GET /metrics HTTP/1.1\r\n\r\n");
    await eventually(() => publisher.phases.answering === 1, { what: "asked" });
    clock.advance(5000);
    expect(await client.untilEnd()).toBe("");
  });

  test("metrics that fail are a 500 without details", async () => {
    await start({ metrics: () => Promise.reject(new Error("secret")) });
    const answer = await ask("GET /metrics HTTP/1.0\r\n\r\n");
    expect(statusOf(answer)).toBe(500);
    expect(answer).not.toContain("secret");
  });

  test("a large text arrives whole at a slow reader", async () => {
    const text = `${"x".repeat(99)}\n`.repeat(100_000);
    await start({ metrics: () => text });
    const client = await join();
    client.socket.pause();
    client.send("GET /metrics HTTP/1.1\r\nConnection: close\r\n\r\n");
    await eventually(() => publisher.phases.answering === 1, { what: "held back" });
    client.socket.resume();
    expect((await client.untilEnd()).length).toBeGreaterThan(text.length);
    expect(client.received).toEndWith(text.slice(-1000));
  });

  test("credentials guard what a balancer does not ask", async () => {
    await start({ credentials: { basic: { user: "a", password: "b" } }, metrics: () => "up 1\n" });
    for (const path of ["/status", "/metrics"]) {
      const refused = await ask(`GET ${path} HTTP/1.0\r\n\r\n`);
      expect(statusOf(refused)).toBe(401);
      expect(refused).toContain('\r\nWWW-Authenticate: Basic realm="sluice"\r\n');
      expect(statusOf(await ask(`GET ${path} HTTP/1.0\r\nAuthorization: Basic YTpi\r\n\r\n`))).toBe(200);
    }
    for (const path of ["/", "/primary", "/liveness", "/readiness"]) {
      expect(statusOf(await ask(`GET ${path} HTTP/1.0\r\n\r\n`))).toBe(200);
    }
  });
});
