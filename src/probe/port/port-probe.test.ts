import { afterAll, beforeAll, expect, test } from "bun:test";
import { createServer, type Server } from "node:net";
import { join } from "node:path";
import { TemporaryFolders } from "../../../test/support/temporary-folders.ts";
import { SYSTEM_CLOCK } from "../../telemetry/clock.ts";
import type { Endpoint } from "../../topology/endpoint.ts";
import { PortProbe } from "./port-probe.ts";

const folders = new TemporaryFolders();
const folder = folders.make();
const path = join(folder, "socket");
const servers: Server[] = [];
let port: number;

beforeAll(async () => {
  for (const where of [{ port: 0, host: "127.0.0.1" }, { path }]) {
    const server = createServer((socket) => socket.on("error", () => {}).destroy());
    await new Promise<void>((resolve) => server.listen(where, resolve));
    servers.push(server);
  }
  const address = servers[0]?.address();
  port = typeof address === "object" && address ? address.port : 0;
});
afterAll(() => {
  for (const server of servers) server.close();
  folders.remove();
});

const ask = async (endpoint: Endpoint, deadlineMs = 5000) =>
  await new PortProbe(endpoint, SYSTEM_CLOCK).ask(deadlineMs);

test.each([
  ["an address", () => ({ kind: "tcp", host: "127.0.0.1", port }) as const],
  ["a name", () => ({ kind: "tcp", host: "localhost", port }) as const],
  ["a unix socket", () => ({ kind: "socket", path }) as const],
])("%s that accepts connections", async (_, endpoint) => {
  const observation = await ask(endpoint());
  expect(observation).toMatchObject({ reached: true, facts: { flavour: "unknown" } });
  expect(observation.tookMs).toBeGreaterThan(0);
  expect(observation.tookMs).toBeLessThan(5000);
});

test.each([
  [{ kind: "tcp", host: "127.0.0.1", port: 1 } as const, "PROBE_REFUSED"],
  [{ kind: "tcp", host: "no-such-host.invalid", port: 1 } as const, "PROBE_NAME_NOT_FOUND"],
  [{ kind: "socket", path: `${path}.not` } as const, "PROBE_SOCKET_MISSING"],
])("%p: %s", async (endpoint, code) => {
  expect(await ask(endpoint)).toMatchObject({ reached: false, failure: { code } });
});
