import { describe, expect, test } from "bun:test";
import { createHash } from "node:crypto";
import { eventually } from "../../../test/eventually.ts";
import {
  type Client,
  GREETING,
  greeted,
  greets,
  PassthroughStage,
  route,
  target,
} from "../../../test/support/passthrough-stage.ts";
import { readProxyHeader, writeProxyHeader } from "../../wire/proxy-header.ts";

const at = new PassthroughStage();

const told = async (of: Client): Promise<string> => {
  await eventually(of.hasEnded, { what: "the end of the refusal" });
  return of.received().subarray(7).toString();
};
const errno = (of: Client): number => of.received().readUInt16LE(5);

describe("a session", () => {
  test("carries bytes both ways, knows its server and what the first packets tell, and passes the end on", async () => {
    const db = await at.backend(greets("db1"));
    const on = at.open(route([target("db1", db.port)]));
    const one = at.client(on);
    await greeted(one);
    one.socket.write("hello");
    await eventually(() => one.received().toString().endsWith("db1:hello"));
    const [session] = [...on.traffic.sessions];
    expect(session).toMatchObject({
      server: "db1",
      connectionId: 7,
      remote: "127.0.0.1",
      phase: "passing",
      bytesIn: 5,
    });
    one.socket.end();
    await eventually(one.isClosed);
    await eventually(() => on.traffic.sessions.size === 0);
    expect(on.traffic.uses.get("db1")?.connections).toBe(0);
  });

  test("a client that has finished still gets its answer", async () => {
    const hash = createHash("sha256");
    const db = await at.backend((socket) => {
      socket.on("data", (chunk) => hash.update(chunk));
      socket.on("end", () => socket.end(hash.digest("hex")));
    });
    const on = at.open(route([target("db1", db.port)]));
    const one = at.client(on);
    const block = Buffer.alloc(8 << 20, "half-close");
    one.socket.end(block);
    await eventually(one.isClosed);
    expect(one.received().toString()).toBe(createHash("sha256").update(block).digest("hex"));
  });

  test("a server that is killed ends it", async () => {
    const db = await at.backend(greets("db1"));
    const on = at.open(route([target("db1", db.port)]));
    const one = at.client(on);
    await greeted(one);
    db.sockets[0]?.resetAndDestroy();
    await eventually(one.hasEnded);
    await eventually(() => on.traffic.sessions.size === 0);
  });

  test("a client that is killed ends it", async () => {
    const db = await at.backend(greets("db1"));
    const on = at.open(route([target("db1", db.port)]));
    const one = at.client(on);
    await greeted(one);
    one.socket.resetAndDestroy();
    await eventually(() => db.sockets[0]?.closed || db.sockets[0]?.readableEnded);
    await eventually(() => on.traffic.sessions.size === 0);
  });
});

describe("choosing a server", () => {
  test("goes to the next where one refuses, says nothing, or closes at once", async () => {
    const silent = await at.backend(() => {});
    const rude = await at.backend((socket) => socket.end());
    const gone = await at.backend(() => {});
    gone.server.close();
    const good = await at.backend(greets("good"));
    const on = at.open(
      route(
        [
          target("gone", gone.port),
          target("rude", rude.port),
          target("silent", silent.port),
          target("good", good.port),
        ],
        { connectTimeoutMs: 1000 },
      ),
    );
    const clients = Array.from({ length: 4 }, () => at.client(on));
    await Promise.all(clients.map(greeted));
    expect(good.sockets).toHaveLength(4);
    expect(on.failures.join("\n")).toMatch(/gone: connection refused by 127\.0\.0\.1/);
    expect(on.failures.join("\n")).toMatch(/rude: it closed the connection before it said anything/);
    expect(on.failures.join("\n")).toMatch(/silent: it accepted the connection and said nothing for 1000 ms/);
    for (const name of ["gone", "rude", "silent"]) expect(on.traffic.uses.get(name)?.connections).toBe(0);
  });

  test("a client that speaks first is answered by a server that waits for it", async () => {
    const db = await at.backend((socket) => socket.on("data", (chunk) => socket.write(`re: ${chunk}`)));
    const on = at.open(route([target("db1", db.port)]));
    const one = at.client(on);
    one.socket.write("first");
    await eventually(() => one.received().toString() === "re: first");
  });

  test("no server: the sentence, at once, and a clean end", async () => {
    const on = at.open(route([]));
    const one = at.client(on);
    expect(await told(one)).toBe("service app has no server to use: db1 is down (killed)");
    expect(errno(one)).toBe(1105);
  });

  test("none that can be reached", async () => {
    const gone = await at.backend(() => {});
    gone.server.close();
    const one = at.client(at.open(route([target("db1", gone.port)])));
    expect(await told(one)).toBe("service app: none of its servers could be reached");
  });

  test("an error reaches a client that has already spoken", async () => {
    const one = at.client(at.open(route([])));
    one.socket.write("a login that nobody will read");
    expect(await told(one)).toMatch(/^service app has no server/);
  });
});

describe("a new route", () => {
  test("new sessions follow it; old ones go on, or end where it says so", async () => {
    const [one, two] = await Promise.all([at.backend(greets("db1")), at.backend(greets("db2"))]);
    const on = at.open(route([target("db1", one.port)]));
    const early = at.client(on);
    await greeted(early);
    on.traffic.put(route([target("db2", two.port)]));
    const late = at.client(on);
    await greeted(late);
    expect(two.sockets).toHaveLength(1);
    early.socket.write("x");
    await eventually(() => early.received().toString().endsWith("db1:x"));
    on.traffic.put({ ...route([target("db2", two.port)]), closing: [{ server: "db1", reason: "is down" }] });
    await eventually(early.isClosed);
    expect(late.isClosed()).toBe(false);
  });
});

test("a session that has not heard from its server yet moves to another when that server is closed", async () => {
  const [silent, good] = await Promise.all([at.backend(() => {}), at.backend(greets("good"))]);
  const on = at.open(route([target("silent", silent.port)]));
  const one = at.client(on);
  await eventually(() => silent.sockets.length === 1);
  on.traffic.put({ ...route([target("good", good.port)]), closing: [{ server: "silent", reason: "hangs" }] });
  await greeted(one);
  expect(on.failures).toEqual(["silent: it hangs"]);
  expect(on.traffic.uses.get("silent")?.connections).toBe(0);
});

describe("limits", () => {
  test("above max_connections: error 1040, or a place when one is free", async () => {
    const db = await at.backend(greets("db1"));
    const targets = [target("db1", db.port)];
    const on = at.open(route(targets, { maxConnections: 1 }));
    const first = at.client(on);
    await greeted(first);
    const turnedAway = at.client(on);
    expect(await told(turnedAway)).toBe("Too many connections");
    expect(errno(turnedAway)).toBe(1040);
    on.traffic.put(route(targets, { maxConnections: 1, queueTimeoutMs: 10_000 }));
    const waits = at.client(on);
    await eventually(() => on.traffic.counters.waited === 1);
    first.socket.destroy();
    await greeted(waits);
    on.traffic.put(route(targets, { maxConnections: 1, queueTimeoutMs: 50 }));
    expect(await told(at.client(on))).toBe("Too many connections");
    expect(on.traffic.counters).toMatchObject({ total: 2, refused: 2, waited: 2 });
  });

  test("a place that is freed in time is given, also where this process was held up until that time was over", async () => {
    const db = await at.backend(greets("db1"));
    const limits = { maxConnections: 1, queueTimeoutMs: 1000 };
    const on = at.open(route([target("db1", db.port)], limits));
    let isGreeted = false;
    const data = (): void => {
      isGreeted = true;
    };
    // node:net closes a socket later than it is told to.
    const first = await Bun.connect({ hostname: "127.0.0.1", port: on.listener.port, socket: { data } });
    await eventually(() => isGreeted);
    const waits = at.client(on);
    await eventually(() => on.traffic.counters.waited === 1, { every: 1 });
    first.terminate();
    for (const end = performance.now() + 1100; performance.now() < end; );
    await greeted(waits);
    expect(on.traffic.counters.refused).toBe(0);
  });

  test("a server that is full is passed over; all full is no place", async () => {
    const [one, two] = await Promise.all([at.backend(greets("db1")), at.backend(greets("db2"))]);
    const limited = { maxConnections: 1 };
    const on = at.open(route([target("db1", one.port, limited), target("db2", two.port, limited)]));
    await Promise.all([at.client(on), at.client(on)].map(greeted));
    expect([one.sockets.length, two.sockets.length]).toEqual([1, 1]);
    expect(await told(at.client(on))).toBe("Too many connections");
  });

  test("an idle session ends after wait_timeout, a busy one does not", async () => {
    const db = await at.backend(greets("db1"));
    const on = at.open(route([target("db1", db.port)], { idleTimeoutMs: 8000 }));
    const [idle, busy] = [at.client(on), at.client(on)];
    await Promise.all([idle, busy].map(greeted));
    const start = Date.now();
    on.traffic.sweep(start);
    on.traffic.sweep(start + 7000);
    busy.socket.write("x");
    await eventually(() => busy.received().toString().endsWith("db1:x"));
    on.traffic.sweep(start + 8000);
    await eventually(idle.isClosed);
    expect(busy.isClosed()).toBe(false);
  });

  test("a client that takes nothing is closed after net_write_timeout", async () => {
    const db = await at.backend((socket) => socket.write(Buffer.alloc(32 << 20)));
    const on = at.open(route([target("db1", db.port)], { writeTimeoutMs: 5000 }));
    const stuck = at.client(on);
    stuck.socket.pause();
    const isHeld = () => [...on.traffic.sessions].some(({ bufferedBytes }) => bufferedBytes > 0);
    await eventually(isHeld);
    let now = Date.now();
    await eventually(() => {
      now += 5000;
      on.traffic.sweep(now);
      return on.traffic.sessions.size === 0;
    });
  });
});

describe("the PROXY protocol", () => {
  test.each(["v1", "v2"] as const)("%s to servers", async (proxyProtocol) => {
    const seen: Buffer[] = [];
    const db = await at.backend((socket) => {
      socket.on("data", (chunk: Buffer) => seen.push(chunk));
      socket.write(GREETING);
    });
    const on = at.open(route([target("db1", db.port, { proxyProtocol })]));
    const one = at.client(on);
    await greeted(one);
    await eventually(() => seen.length > 0);
    expect(readProxyHeader(Buffer.concat(seen))).toMatchObject({
      kind: "header",
      source: { address: "127.0.0.1", port: one.socket.localPort },
    });
  });

  test("what a client says of itself does not reach a server that has been told who it is", async () => {
    const seen: Buffer[] = [];
    const db = await at.backend((socket) => {
      socket.on("data", (chunk: Buffer) => seen.push(chunk));
      socket.write(GREETING);
    });
    const on = at.open(route([target("db1", db.port, { proxyProtocol: "v2" })]));
    for (const forged of ["PROXY TCP4 127.0.0.1 127.0.0.1 1 2\r\n", "PR", header, header.subarray(0, 5)]) {
      const early = at.client(on);
      early.socket.write(forged);
      const late = at.client(on);
      await greeted(late);
      late.socket.write(forged);
      for (const client of [early, late]) await eventually(client.isClosed);
    }
    await eventually(() => on.traffic.sessions.size === 0);
    const all = Buffer.concat(seen).toString("latin1");
    expect(all).not.toContain("PR");
    expect(all).not.toContain("\u00cb\u0000\u0071\u0009"); // 203.0.113.9
  });

  const header = writeProxyHeader("v2", {
    source: { address: "203.0.113.9", port: 5 },
    destination: { address: "10.0.0.1", port: 3306 },
  });

  test("from trusted clients, in pieces or with the login behind it; the header goes no further", async () => {
    const db = await at.backend(greets("db1"));
    const on = at.open(route([target("db1", db.port)]), ["127.0.0.0/8"]);
    const one = at.client(on);
    one.socket.write(header.subarray(0, 9));
    await eventually(() => [...on.traffic.sessions].some(({ bufferedBytes }) => bufferedBytes === 9));
    one.socket.write(Buffer.concat([header.subarray(9), Buffer.from("login")]));
    await eventually(() => one.received().toString().endsWith("db1:login"));
    expect([...on.traffic.sessions][0]?.remote).toBe("203.0.113.9");
  });

  test("a trusted client without one is served; a broken one is not", async () => {
    const db = await at.backend(greets("db1"));
    const on = at.open(route([target("db1", db.port)]), ["127.0.0.1"]);
    const plain = at.client(on);
    const broken = at.client(on);
    broken.socket.write("PROXY TCP4 nonsense\r\n");
    await eventually(broken.isClosed);
    await greeted(plain);
  });

  test("from others it is a client's bytes like any", async () => {
    const db = await at.backend(greets("db1"));
    const on = at.open(route([target("db1", db.port)]), ["10.0.0.0/8", "fd00::/8"]);
    const one = at.client(on);
    await greeted(one);
    one.socket.write("PROXY TCP4 1.2.3.4 5.6.7.8 1 2\r\n");
    await eventually(() => one.received().toString().endsWith("db1:PROXY TCP4 1.2.3.4 5.6.7.8 1 2\r\n"));
  });
});
