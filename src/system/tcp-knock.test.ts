import { afterAll, beforeAll, expect, test } from "bun:test";
import { createServer, type Server } from "node:net";
import { eventually } from "../../test/eventually.ts";
import { type KnockState, TcpKnock } from "./tcp-knock.ts";

let server: Server;
let port: number;
let accepted = 0;

beforeAll(async () => {
  server = createServer((socket) => {
    accepted += 1;
    socket.on("error", () => {});
    socket.destroy();
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  port = typeof address === "object" && address !== null ? address.port : 0;
});
afterAll(() => void server.close());

async function outcome(address: string, at: number): Promise<KnockState> {
  const knock = await TcpKnock.begin(address, at);
  try {
    return await eventually(
      () => {
        const state = knock.look();
        return state.kind === "pending" ? false : state;
      },
      { every: 1 },
    );
  } finally {
    knock.end();
  }
}

/** Less than for how long the kernel holds back the end of the handshake, ms. */
const IN_TIME_MS = 30;

test("an open port is found open, and who listens there learns nothing of it", async () => {
  let late = 0;
  for (let i = 0; i < 50; i++) {
    const begun = performance.now();
    const state = await outcome("127.0.0.1", port);
    if (performance.now() - begun > IN_TIME_MS) late++; // this process was held up
    expect(state.kind).toBe("open");
    expect(state.kind === "open" && state.roundTripMs).toBeGreaterThan(0);
  }
  // Whoever comes after the fifty is accepted after them.
  await fetch(`http://127.0.0.1:${port}/`).catch(() => {});
  await eventually(() => accepted > 0);
  expect(accepted).toBeWithin(1, 1 + late + 1);
});

test("a closed port", async () => {
  expect(await outcome("127.0.0.1", 1)).toEqual({ kind: "failed", code: "ECONNREFUSED" });
  expect(await outcome("::1", 1)).toMatchObject({ kind: "failed" });
});
