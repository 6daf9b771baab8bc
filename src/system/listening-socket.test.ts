import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { connect, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { freePort } from "../../test/support/free-port.ts";
import { closeDescriptors, openListeningSockets, openUnixListeningSocket } from "./listening-socket.ts";
import {
  DescriptorBox,
  descriptorChannel,
  leaveDescriptors,
  receiveDescriptor,
  sendDescriptor,
} from "./pass-descriptor.ts";
import { tcpListeners } from "./tcp-listeners.ts";

const OPTIONS = { backlog: 16, userTimeoutMs: 0 };

const open: number[] = [];
afterEach(() => closeDescriptors(open.splice(0)));

const answerOf = async (where: { port: number; host: string } | { path: string }): Promise<string> => {
  const socket = connect(where);
  const [chunk] = (await once(socket, "data")) as [Buffer];
  socket.destroy();
  return chunk.toString();
};

test("a descriptor crosses to another process, and what waits in its queue is served there", async () => {
  const port = await freePort();
  const [fd = -1] = await openListeningSockets("l", "::", port, OPTIONS, 1, () => false);
  open.push(fd);
  const early = answerOf({ port, host: "127.0.0.1" });
  const script = `
    import { receiveDescriptor } from ${JSON.stringify(`${import.meta.dir}/pass-descriptor.ts`)};
    const fd = await receiveDescriptor(3);
    Bun.listen({ fd, socket: { open(socket) { socket.write("served"); }, data() {} } });
  `;
  const [mine, theirs] = await descriptorChannel();
  await sendDescriptor(mine, fd);
  const child = spawn(process.execPath, ["-e", script], { stdio: ["ignore", "inherit", "inherit", theirs] });
  try {
    expect(await early).toBe("served");
    expect(await answerOf({ port, host: "::1" })).toBe("served");
  } finally {
    child.kill("SIGKILL");
    await closeDescriptors([mine, theirs]);
  }
});

test("several sockets share one port; a port that is taken is told", async () => {
  const port = await freePort();
  const fds = await openListeningSockets("l", "127.0.0.1", port, OPTIONS, 3, () => false);
  open.push(...fds);
  expect(new Set(fds).size).toBe(3);
  expect(tcpListeners(port)[0]?.pid).toBe(process.pid);
  const other = createServer().listen(0, "127.0.0.1");
  await once(other, "listening");
  const address = other.address();
  const taken = address !== null && typeof address === "object" ? address.port : 0;
  const attempt = openListeningSockets("l", "127.0.0.1", taken, OPTIONS, 1, () => false);
  await expect(attempt).rejects.toMatchObject({
    code: "ADDRESS_IN_USE",
    message: `cannot listen on 127.0.0.1:${taken}: another program does`,
  });
  other.close();
  await expect(openListeningSockets("l", "127.0.0.1", port, OPTIONS, 1, () => false)).rejects.toMatchObject({
    code: "ADDRESS_IN_USE",
  });
  open.push(
    ...(await openListeningSockets("l", "127.0.0.1", port, OPTIONS, 1, (pid) => pid === process.pid)),
  );
  await expect(openListeningSockets("l", "192.0.2.1", port, OPTIONS, 1, () => false)).rejects.toMatchObject({
    code: "CONFIG_INVALID",
  });
});

describe("a unix socket", () => {
  let folder: string;
  let path: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "sluice-listen-"));
    path = join(folder, "db.sock");
  });
  afterEach(() => rmSync(folder, { recursive: true }));
  const openAt = async (isOurs: (pid: number) => boolean = () => false): Promise<number> => {
    const fd = await openUnixListeningSocket("l", path, OPTIONS, isOurs);
    open.push(fd);
    return fd;
  };

  test("replaces what a dead process left, and what is ours; everybody may use it", async () => {
    await closeDescriptors([await openUnixListeningSocket("l", path, OPTIONS, () => false)]);
    await openAt();
    const fd = await openAt((pid) => pid === process.pid);
    const handlers = {
      open: (socket: { write(text: string): number }) => void socket.write("unix"),
      data() {},
    };
    const listener = Bun.listen({ fd, socket: handlers } as never) as { stop(): void };
    expect(await answerOf({ path })).toBe("unix");
    listener.stop();
    expect(statSync(path).mode & 0o777).toBe(0o666);
    expect(readdirSync(folder)).toEqual(["db.sock"]);
  });

  test("replaces neither a living program's nor a file of another kind", async () => {
    await openAt();
    const words = `cannot listen on ${path}: process ${process.pid} does`;
    await expect(openAt()).rejects.toMatchObject({ code: "ADDRESS_IN_USE", message: words });
    rmSync(path);
    writeFileSync(path, "precious");
    await expect(openAt()).rejects.toMatchObject({ code: "ADDRESS_IN_USE" });
    expect(readFileSync(path, "utf8")).toBe("precious");
  });

  test("whose path is too long is refused with the limit", async () => {
    path = join(folder, "x".repeat(100));
    await expect(openAt()).rejects.toMatchObject({
      code: "CONFIG_INVALID",
      message: expect.stringContaining("at most 107"),
    });
  });
});

test("descriptors are left in a box for whoever comes later", async () => {
  const folder = mkdtempSync(join(tmpdir(), "sluice-box-"));
  const path = join(folder, "box.sock");
  const port = await freePort();
  const fds = await openListeningSockets("l", "127.0.0.1", port, OPTIONS, 2, () => false);
  expect(await leaveDescriptors(path, { words: "nobody is there", fds })).toBe(false);
  const box = await DescriptorBox.open(path);
  expect(statSync(path).mode & 0o777).toBe(0o600);
  expect(box.take()).toBeUndefined();
  expect(await leaveDescriptors(path, { words: "two", fds })).toBe(true);
  expect(await leaveDescriptors(path, { words: "none", fds: [] })).toBe(true);
  const { words, fds: taken } = box.take() ?? { words: "", fds: [] };
  expect([words, taken.length]).toEqual(["two", 2]);
  expect(box.take()).toEqual({ words: "none", fds: [] });
  await closeDescriptors(fds);
  expect(tcpListeners(port).map(({ pid }) => pid)).toEqual([process.pid]);
  open.push(...taken);
  box.close();
  expect(readdirSync(folder)).toEqual([]);
  rmSync(folder, { recursive: true });
});

test("nothing was sent: it says so", async () => {
  const ends = await descriptorChannel();
  open.push(...ends);
  await expect(receiveDescriptor(ends[0])).rejects.toMatchObject({ code: "IO_FAILED" });
});
