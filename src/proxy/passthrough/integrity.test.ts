import { expect, test } from "bun:test";
import { createHash } from "node:crypto";
import type { Socket } from "node:net";
import { eventually } from "../../../test/eventually.ts";
import {
  GREETING,
  greeted,
  greets,
  PassthroughStage,
  route,
  type Stage,
  target,
} from "../../../test/support/passthrough-stage.ts";

// No byte is lost or changed, and little is kept, whoever is slow, silent or gone.

const at = new PassthroughStage();
const BLOCK_BYTES = 1 << 20;
/** One read of the runtime, and what came with it. */
const MOST_KEPT_BYTES = 2 << 20;

/** Sends so many bytes as fast as they are taken, no two blocks the same; resolves to their checksum. */
async function pour(socket: Socket, bytes: number): Promise<string> {
  const hash = createHash("sha1");
  for (let left = bytes; left > 0; left -= BLOCK_BYTES) {
    const block = Buffer.alloc(BLOCK_BYTES, "0123456789abcdef");
    block.writeUInt32LE(left >>> 10);
    hash.update(block);
    if (!socket.write(block)) await new Promise((resolve) => socket.once("drain", resolve));
  }
  return hash.digest("hex");
}

/** What is kept for all sessions now, bytes. */
const kept = ({ traffic }: Stage): number =>
  [...traffic.sessions].reduce((sum, { bufferedBytes }) => sum + bufferedBytes, 0);

interface Drain {
  bytes: number;
  readonly digest: () => string;
}

/** Reads what comes. @param perTurn waits for the next turn of the event loop after each chunk */
function read(socket: Socket, perTurn: boolean, look: () => void = () => {}): Drain {
  const hash = createHash("sha1");
  const drain: Drain = { bytes: 0, digest: () => hash.digest("hex") };
  socket.on("data", (chunk: Buffer) => {
    hash.update(chunk);
    drain.bytes += chunk.length;
    look();
    if (!perTurn) return;
    socket.pause();
    setImmediate(() => socket.resume());
  });
  return drain;
}

test.each([
  ["64 MB to a slow reader", 64 << 20, true],
  ["1 GB", 1 << 30, false],
])(
  "a result of %s arrives whole, and no more than a chunk of it is kept",
  async (_, bytes, isSlow) => {
    let sent: Promise<string> | undefined;
    const db = await at.backend((socket) => {
      sent = pour(socket, bytes);
    });
    const on = at.open(route([target("db1", db.port)]));
    let most = 0;
    const got = read(at.socket(on), isSlow, () => {
      most = Math.max(most, kept(on));
    });
    await eventually(() => got.bytes === bytes, { within: 100_000 });
    expect(got.digest()).toBe((await sent) ?? "");
    expect(most).toBeLessThan(MOST_KEPT_BYTES);
  },
  120_000,
);

test("a server that stops reading stops its client, and has every byte when it goes on", async () => {
  const bytes = 64 << 20;
  const db = await at.backend((socket) => {
    socket.write(GREETING);
    socket.pause();
  });
  const on = at.open(route([target("db1", db.port)]));
  const one = at.client(on);
  await greeted(one);
  let isSent = false;
  const sent = pour(one.socket, bytes).finally(() => {
    isSent = true;
  });
  await eventually(() => kept(on) > 0, { what: "something is kept for the server" });
  const [held] = db.sockets;
  if (held === undefined) throw new Error("there is no connection to the server");
  // Others are served meanwhile.
  const other = at.client(on);
  await greeted(other);
  expect(kept(on)).toBeLessThan(MOST_KEPT_BYTES);
  expect(isSent).toBe(false);
  const got = read(held, false);
  held.resume();
  await eventually(() => got.bytes === bytes, { within: 60_000 });
  expect(got.digest()).toBe(await sent);
}, 90_000);

test("both ways at once, both slow: nobody waits for the other for ever", async () => {
  const bytes = 16 << 20;
  let fromServer: { sent: Promise<string>; got: Drain } | undefined;
  const db = await at.backend((socket) => {
    fromServer = { sent: pour(socket, bytes), got: read(socket, true) };
  });
  const on = at.open(route([target("db1", db.port)]));
  const socket = at.socket(on);
  const got = read(socket, true);
  const sent = await pour(socket, bytes);
  await eventually(() => got.bytes === bytes && fromServer?.got.bytes === bytes, { within: 60_000 });
  expect(got.digest()).toBe((await fromServer?.sent) ?? "");
  expect(fromServer?.got.digest()).toBe(sent);
}, 90_000);

test("a server that has finished still hears its client out", async () => {
  const heard: Buffer[] = [];
  const db = await at.backend((socket) => {
    socket.on("data", (chunk: Buffer) => heard.push(chunk));
    socket.end(GREETING);
  });
  const on = at.open(route([target("db1", db.port)]));
  const one = at.client(on);
  await eventually(one.hasEnded, { what: "the server's end" });
  expect(one.received().equals(GREETING)).toBe(true);
  one.socket.end("last words");
  await eventually(() => Buffer.concat(heard).toString() === "last words");
  await eventually(() => on.traffic.sessions.size === 0);
});

test("a server's last words reach its client, and then its end", async () => {
  const db = await at.backend(greets("db1"));
  const on = at.open(route([target("db1", db.port)]));
  const one = at.client(on);
  await greeted(one);
  db.sockets[0]?.end("the end");
  await eventually(() => one.received().toString().endsWith("the end"));
  await eventually(one.hasEnded);
});

test("a client that leaves before its server has spoken is no failure of the server", async () => {
  const db = await at.backend((socket) => {
    socket.on("data", () => {});
    socket.on("end", () => socket.end()); // as a server does to one that leaves without a login
  });
  const on = at.open(route([target("db1", db.port), target("db2", db.port)]));
  const [polite, rude] = [at.client(on), at.client(on)];
  await eventually(() => db.sockets.length === 2);
  polite.socket.end();
  rude.socket.resetAndDestroy();
  await eventually(() => on.traffic.sessions.size === 0);
  await eventually(() => db.sockets.every((socket) => socket.readableEnded || socket.closed));
  expect(on.failures).toEqual([]);
  expect(db.sockets).toHaveLength(2);
  for (const use of on.traffic.uses.values()) expect(use.connections).toBe(0);
});

test("a client that takes nothing and is gone leaves nothing behind", async () => {
  const db = await at.backend((socket) => void pour(socket, 64 << 20));
  const on = at.open(route([target("db1", db.port)]));
  const socket = at.socket(on);
  socket.pause();
  await eventually(() => kept(on) > 0);
  socket.resetAndDestroy();
  await eventually(() => on.traffic.sessions.size === 0);
  await eventually(() => db.sockets[0]?.closed === true);
});
