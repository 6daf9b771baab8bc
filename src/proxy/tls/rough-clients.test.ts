// Handshakes that go wrong in every way that chance finds: each ends by itself, and takes nothing with it.
import { afterAll, beforeAll, expect, test } from "bun:test";
import { connect, createServer } from "node:net";
import { connect as connectOverTls } from "node:tls";
import type { Socket, SocketHandler } from "bun";
import fc from "fast-check";
import { MadeCertificates } from "../../../test/support/made-certificates.ts";
import { SluiceError } from "../../errors/sluice-error.ts";
import { acceptTls } from "./secure-socket.ts";
import { createTlsContext } from "./tls-context.ts";

interface Owner {
  data(chunk: Buffer): void;
  close(): void;
}

const HANDLERS: SocketHandler<Owner> = {
  data: (socket, chunk) => socket.data.data(chunk),
  close: (socket) => socket.data.close(),
  error: (socket) => socket.terminate(),
};
const RUNS = 300;

let made: MadeCertificates;
let hello: Buffer;

beforeAll(async () => {
  made = new MadeCertificates();
  made.issue("server", "/CN=server");
  hello = await clientHello();
});
afterAll(() => made.remove());

/** The first bytes of a client. */
function clientHello(): Promise<Buffer> {
  return new Promise((resolve) => {
    const server = createServer((socket) => {
      socket.once("data", (chunk: Buffer) => {
        resolve(chunk);
        socket.destroy();
        server.close();
      });
    });
    server.listen(0, "127.0.0.1", () => {
      const { port } = server.address() as { readonly port: number };
      connectOverTls({ port, host: "127.0.0.1", rejectUnauthorized: false }).on("error", () => {});
    });
  });
}

/** What a client sends, in how many pieces, and how it leaves. */
const client = fc.record({
  changes: fc.array(fc.tuple(fc.nat(2000), fc.nat(255)), { maxLength: 4 }),
  length: fc.option(fc.nat(2000), { nil: undefined }),
  noise: fc.uint8Array({ maxLength: 200 }),
  cut: fc.nat(1500),
  leaves: fc.constantFrom("ends", "resets", "is terminated"),
});

test("every handshake that fails is told, and the next client is served", async () => {
  const context = createTlsContext({
    fingerprint: "",
    cert: made.text("server.crt"),
    key: made.text("server.key"),
    ca: made.text("ca.crt"),
    verifyCertificate: true,
    verifyHost: false,
  });
  let current: (outcome: Promise<unknown>, bare: Socket<Owner>) => void = () => {};
  const listener = Bun.listen<Owner>({
    hostname: "127.0.0.1",
    port: 0,
    allowHalfOpen: true,
    socket: {
      ...HANDLERS,
      open(bare) {
        bare.data = {
          data(chunk) {
            const owner: Owner = { data() {}, close() {} };
            const leftover = Buffer.from(chunk);
            current(
              acceptTls(bare, context, { data: owner, handlers: HANDLERS, leftover, host: undefined }),
              bare,
            );
          },
          close() {},
        };
      },
    },
  });
  await fc.assert(
    fc.asyncProperty(client, async ({ changes, length, noise, cut, leaves }) => {
      const bytes = Buffer.concat([hello, noise]).subarray(0, length);
      for (const [at, value] of changes) if (at < bytes.length) bytes[at] = value;
      const socket = connect(listener.port, "127.0.0.1").on("error", () => {});
      const handshake = new Promise<{ outcome: Promise<unknown>; bare: Socket<Owner> }>((resolve) => {
        current = (outcome, bare) => resolve({ outcome, bare });
      });
      socket.write(Buffer.concat([bytes.subarray(0, cut), Buffer.from([0])]));
      const { outcome, bare } = await handshake;
      const refused = outcome.then(
        () => "let in",
        (error: unknown) => error,
      );
      socket.write(bytes.subarray(cut));
      if (leaves === "ends") socket.end();
      else if (leaves === "resets") socket.resetAndDestroy();
      else bare.terminate();
      expect(await refused).toBeInstanceOf(SluiceError);
      socket.destroy();
    }),
    { numRuns: RUNS },
  );
  listener.stop(true);
}, 60_000);
