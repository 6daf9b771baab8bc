import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { existsSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { exchange } from "../../../test/support/raw-client.ts";
import { SYSTEM_CLOCK } from "../../telemetry/clock.ts";
import { listenUnix } from "./unix-socket.ts";

let directory: string;
let path: string;
let servers: Server[];

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "sluice-unix-"));
  path = join(directory, "agent.sock");
  servers = [];
});

afterEach(() => {
  for (const server of servers) server.close();
  rmSync(directory, { recursive: true });
});

function serve(answer: string): Server {
  const server = createServer((socket) => socket.end(answer));
  servers.push(server);
  return server;
}

const listen = (server: Server, mode = 0o600) =>
  listenUnix(server, { path, mode, gid: process.getgid?.() }, SYSTEM_CLOCK);

/** Leaves a socket file that nobody listens on, as a killed process does. */
async function leaveStaleSocket(): Promise<void> {
  const script = `require("net").createServer().listen(${JSON.stringify(path)}, () => process.kill(process.pid, "SIGKILL"))`;
  await Bun.spawn([process.execPath, "-e", script], { stdout: "ignore", stderr: "ignore" }).exited;
  expect(statSync(path).isSocket()).toBe(true);
}

describe("listenUnix", () => {
  test.each([0o600, 0o660, 0o666])("makes a socket of mode %o, and nothing besides", async (mode) => {
    await listen(serve("hello"), mode);
    expect(statSync(path).mode & 0o777).toBe(mode);
    expect(readdirSync(directory)).toEqual(["agent.sock"]);
    expect(await exchange({ path }, "x")).toBe("hello");
  });

  test("replaces what a dead process left", async () => {
    await leaveStaleSocket();
    await listen(serve("alive"));
    expect(await exchange({ path }, "x")).toBe("alive");
  });

  test("leaves a living one alone", async () => {
    await listen(serve("first"));
    await expect(listen(serve("second"))).rejects.toMatchObject({
      code: "ADDRESS_IN_USE",
      message: `cannot listen on ${path}: another program does`,
    });
    expect(await exchange({ path }, "x")).toBe("first");
  });

  test("leaves a file that is no socket alone", async () => {
    writeFileSync(path, "precious");
    await expect(listen(serve(""))).rejects.toMatchObject({ code: "ADDRESS_IN_USE" });
    expect(statSync(path).isFile()).toBe(true);
  });

  test("says which path cannot be had", async () => {
    path = join(directory, "no", "such", "agent.sock");
    await expect(listen(serve(""))).rejects.toThrow(`cannot listen on ${path}: `);
    path = join(directory, "x".repeat(200));
    await expect(listen(serve(""))).rejects.toThrow(`cannot listen on ${path}: `);
    expect(readdirSync(directory)).toEqual([]);
  });

  test("removes its own file, but not a successor's", async () => {
    const remove = await listen(serve(""));
    remove();
    expect(existsSync(path)).toBe(false);
    await listen(serve("successor"));
    remove();
    expect(await exchange({ path }, "x")).toBe("successor");
  });
});
