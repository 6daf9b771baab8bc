import { afterEach, expect, test } from "bun:test";
import { once } from "node:events";
import { readdirSync } from "node:fs";
import { connect } from "node:net";
import { freePort } from "../../test/support/free-port.ts";
import { closeDescriptors, openListeningSockets } from "./listening-socket.ts";
import { duplicateSockets, SOCKETS, SocketRegister, socketKey } from "./socket-register.ts";

const open: number[] = [];
afterEach(async () => {
  await closeDescriptors(open.splice(0));
  for (const { fd } of await SOCKETS.duplicates()) open.push(fd);
  await closeDescriptors(open.splice(0));
});

const descriptors = (): number => readdirSync("/proc/self/fd").length;

const tcp = (host: string, port: number) => ({ kind: "tcp", host, port }) as const;

test("a successor gets each socket once, with its place, and clients wait in its queue meanwhile", async () => {
  const port = await freePort();
  const fds = await openListeningSockets(
    "l",
    "127.0.0.1",
    port,
    { backlog: 8, userTimeoutMs: 0 },
    2,
    () => false,
  );
  const copies = await SOCKETS.duplicates();
  expect(copies.map(({ key }) => key)).toEqual([
    socketKey(tcp("127.0.0.1", port)),
    socketKey(tcp("127.0.0.1", port)),
  ]);
  await closeDescriptors(fds);
  const client = connect(port, "127.0.0.1");
  await once(client, "connect");
  client.destroy();
  const successor = new SocketRegister();
  successor.adopt(copies);
  expect(successor.take(tcp("127.0.0.1", port + 1))).toEqual([]);
  open.push(...successor.take(tcp("127.0.0.1", port)));
  expect(open).toHaveLength(2);
  expect(successor.rest()).toEqual({ predecessors: [], systemds: [] });
});

test("a predecessor with fewer workers leaves fewer sockets than are wanted: the rest is opened; systemd's are as many as it says", async () => {
  const port = await freePort();
  const options = { backlog: 8, userTimeoutMs: 0 };
  const openAll = async (name: string) =>
    await openListeningSockets(name, "127.0.0.1", port, options, 3, () => true);
  const inherit = async (name: string | undefined): Promise<void> => {
    const [first, ...others] = await SOCKETS.duplicates();
    open.push(...others.map(({ fd }) => fd));
    const again = await duplicateSockets(first === undefined ? [] : [first]);
    SOCKETS.adopt([first, ...again].flatMap((socket) => (socket === undefined ? [] : { ...socket, name })));
  };
  open.push(...(await openAll("l")));
  await inherit(undefined);
  expect(SOCKETS.hasPredecessors).toBe(true);
  // The same socket twice is one.
  const more = await openAll("l");
  expect(more).toHaveLength(3);
  expect(new Set(more.map((fd) => SOCKETS.keyOf(fd)))).toEqual(new Set([socketKey(tcp("127.0.0.1", port))]));
  await inherit("l");
  expect(SOCKETS.hasPredecessors).toBe(false);
  const systemds = await openAll("l");
  expect(systemds).toHaveLength(1);
  open.push(...more, ...systemds);
});

test("systemd's go by their name as well, and stay where nobody takes them", async () => {
  const register = new SocketRegister();
  const key = socketKey(tcp("::", 4006));
  register.adopt([
    { fd: 1000, key, name: "web" },
    { fd: 1001, key: "/run/x.sock", name: "x" },
    { fd: 1002, key: "/run/y.sock", name: undefined },
  ]);
  expect(register.take(tcp("10.0.0.1", 1), "web")).toEqual([1000]);
  const { predecessors, systemds } = register.rest();
  expect([predecessors, systemds].map((sockets) => sockets.map(({ fd }) => fd))).toEqual([[1002], [1001]]);
  expect(register.take({ kind: "socket", path: "/run/x.sock" })).toEqual([1001]);
});

test("however an address is written, it is one place", () => {
  expect(socketKey(tcp("0:0:0:0:0:0:0:1", 1))).toBe(socketKey(tcp("::1", 1)));
  expect(socketKey(tcp("::", 1))).not.toBe(socketKey(tcp("0.0.0.0", 1)));
});

test("copies are closed one by one", async () => {
  const port = await freePort();
  const before = descriptors();
  const fds = await openListeningSockets(
    "l",
    "127.0.0.1",
    port,
    { backlog: 8, userTimeoutMs: 0 },
    1,
    () => false,
  );
  const [first] = await SOCKETS.duplicates();
  const copies = await duplicateSockets(first === undefined ? [] : [first]);
  await closeDescriptors([...fds, first?.fd ?? -1, ...copies.map(({ fd }) => fd)]);
  expect(descriptors()).toBe(before);
});
