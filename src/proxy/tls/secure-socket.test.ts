// TLS on live sockets, in both roles, against node:tls as the other side.
import { afterAll, afterEach, beforeAll, describe, expect, test } from "bun:test";
import { type AddressInfo, connect as connectPlain, type Socket as NodeSocket } from "node:net";
import { Duplex } from "node:stream";
import {
  type ConnectionOptions,
  connect as connectOverTls,
  createServer as createTlsServer,
  type TLSSocket,
  type TlsOptions,
} from "node:tls";
import type { Socket, SocketHandler, TCPSocketListener } from "bun";
import { eventually } from "../../../test/eventually.ts";
import { MadeCertificates } from "../../../test/support/made-certificates.ts";
import { SluiceError } from "../../errors/sluice-error.ts";
import type { TlsMaterial } from "../../topology/tls-material.ts";
import { acceptTls, connectTls, type SecureSocket } from "./secure-socket.ts";
import { createTlsContext } from "./tls-context.ts";

const SUBJECT = "/C=SE/ST=Skåne/O=Example & Co/CN=client/emailAddress=a@example.org";
const SUBJECT_ON_A_LINE = "/C=SE/ST=Sk\\xC3\\xA5ne/O=Example & Co/CN=client/emailAddress=a@example.org";

/** One connection as the login code has it: handlers shared by all, the rest in `socket.data`. */
class Side {
  received = 0;
  text = "";
  drains = 0;
  hasEnded = false;
  isClosed = false;
}

const HANDLERS: SocketHandler<Side> = {
  data(socket, chunk) {
    const side = socket.data;
    side.received += chunk.length;
    if (side.text.length < 1000) side.text += chunk.toString("latin1", 0, 1000);
  },
  drain(socket) {
    socket.data.drains++;
    rest.get(socket)?.();
  },
  end(socket) {
    socket.data.hasEnded = true;
  },
  close(socket) {
    socket.data.isClosed = true;
  },
  error(socket) {
    socket.terminate();
  },
};
const rest = new WeakMap<object, () => void>();

/** What a bare socket's handlers ask, as the login's do. */
interface Owner {
  data(chunk: Buffer): void;
  close(): void;
}

const OWNED: SocketHandler<Owner> = {
  data: (socket, chunk) => socket.data.data(chunk),
  close: (socket) => socket.data.close(),
};

let made: MadeCertificates;
const open: { end(): unknown }[] = [];

beforeAll(() => {
  made = new MadeCertificates();
  made.authority("stranger", "/CN=Stranger");
  made.issue("server", "/CN=server");
  made.issue("client", SUBJECT, { extensions: "extendedKeyUsage=clientAuth" });
  made.issue("elsewhere", "/CN=elsewhere", { extensions: "subjectAltName=DNS:elsewhere,IP:10.9.9.9" });
  made.issue("foreign", "/CN=client", { authority: "stranger" });
  made.issue("revoked", "/CN=revoked");
  made.revoke("ca.crl", ["revoked"]);
});
afterAll(() => made.remove());
afterEach(() => {
  for (const one of open.splice(0)) one.end();
});

function material(parts: Partial<TlsMaterial> & { readonly shows?: string }): TlsMaterial {
  const { shows, ...more } = parts;
  const pair = shows === undefined ? {} : { cert: made.text(`${shows}.crt`), key: made.text(`${shows}.key`) };
  return { fingerprint: "", verifyCertificate: false, verifyHost: false, ...pair, ...more };
}

interface Accepted {
  readonly side: Side;
  readonly secured: Promise<SecureSocket<Side>>;
  readonly bare: Socket<Owner>;
  /** Bytes that the bare socket's owner was given after the upgrade. */
  readonly stray: () => number;
}

/** Listens as a worker does; a byte `S` stands for the SSL request, and what follows it is the handshake. */
function listen(parts: Partial<TlsMaterial> = {}): {
  readonly port: number;
  readonly accepted: Promise<Accepted>;
} {
  const context = createTlsContext(material({ shows: "server", ...parts }));
  const { promise: accepted, resolve } = Promise.withResolvers<Accepted>();
  let stray = 0;
  const listener: TCPSocketListener<Owner> = Bun.listen<Owner>({
    hostname: "127.0.0.1",
    port: 0,
    allowHalfOpen: true,
    socket: {
      ...OWNED,
      open(bare) {
        let isUpgraded = false;
        bare.data = {
          data(chunk) {
            if (isUpgraded) {
              stray += chunk.length;
              return;
            }
            isUpgraded = true;
            const side = new Side();
            const leftover = Buffer.from(chunk.subarray(1));
            const upgrade = { data: side, handlers: HANDLERS, leftover, host: "127.0.0.1" };
            const secured = acceptTls(bare, context, upgrade);
            secured.catch(() => {});
            resolve({ side, secured, bare, stray: () => stray });
          },
          close() {},
        };
      },
    },
  });
  open.push({ end: () => listener.stop(true) });
  return { port: listener.port, accepted };
}

/** A client that sends the SSL request and the beginning of the handshake in one segment, or cut after `cut` bytes. */
function client(
  port: number,
  options: ConnectionOptions = {},
  cut?: number,
): TLSSocket & { readonly bare: NodeSocket } {
  const bare = connectPlain(port, "127.0.0.1");
  bare.setNoDelay(true);
  let isFirst = true;
  const duplex = new Duplex({
    read: () => {},
    write(chunk: Buffer, _, done) {
      const bytes = isFirst ? Buffer.concat([Buffer.from("S"), chunk]) : chunk;
      const at = isFirst && cut !== undefined ? cut : bytes.length;
      isFirst = false;
      bare.write(bytes.subarray(0, at), () => {
        if (at < bytes.length)
          setImmediate(() => setImmediate(() => bare.write(bytes.subarray(at), () => done())));
        else done();
      });
    },
    final(done) {
      bare.end();
      done();
    },
  });
  bare.on("data", (chunk) => duplex.push(chunk));
  bare.on("end", () => duplex.push(null));
  bare.on("error", () => {});
  const socket = connectOverTls({
    socket: duplex,
    servername: "localhost",
    ca: made.text("ca.crt"),
    ...options,
  });
  socket.on("error", () => {});
  open.push({ end: () => bare.destroy() });
  return Object.assign(socket, { bare });
}

const shows = (name: string): { readonly cert: string; readonly key: string } => ({
  cert: made.text(`${name}.crt`),
  key: made.text(`${name}.key`),
});

/** The sentence of the TLS_FAILED that it rejects with. */
async function refusal(secured: Promise<unknown>): Promise<string> {
  const error = await secured.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  expect(error).toBeInstanceOf(SluiceError);
  expect(error).toMatchObject({ code: "TLS_FAILED" });
  return String((error as SluiceError).message);
}

describe("the server's role", () => {
  for (const version of ["TLSv1.2", "TLSv1.3"] as const) {
    for (const cut of [undefined, 1, 3, 100]) {
      test(`${version}, the request and the handshake ${cut === undefined ? "in one segment" : `cut after ${cut} bytes`}`, async () => {
        const { port, accepted } = listen();
        const peer = client(port, { minVersion: version, maxVersion: version }, cut);
        const { secured, side, stray } = await accepted;
        const { socket, peer: shown, version: spoken, cipher } = await secured;
        expect({ shown, spoken }).toEqual({ shown: undefined, spoken: version });
        expect(cipher).toMatch(version === "TLSv1.3" ? /^TLS_/ : /^ECDHE-/);
        peer.write("hello");
        await eventually(() => side.text === "hello", { what: "clear text" });
        socket.write("and back");
        const [answer] = (await once(peer, "data")) as [Buffer];
        expect(String(answer)).toBe("and back");
        expect(stray()).toBe(0);
      });
    }
  }

  test("speaks no version that was not asked for", async () => {
    const { port, accepted } = listen({ minVersion: "TLSv1.3" });
    client(port, { maxVersion: "TLSv1.2" });
    expect(await refusal((await accepted).secured)).toContain("the TLS handshake with the client failed");
  });

  test("tells the client's certificate as REQUIRE SUBJECT writes it", async () => {
    const { port, accepted } = listen({ ca: made.text("ca.crt") });
    client(port, shows("client"));
    const { peer } = await (await accepted).secured;
    expect(peer).toEqual({ subject: SUBJECT_ON_A_LINE, issuer: "/CN=Test authority", isVerified: true });
  });

  test("tells of a certificate that no authority of ours has signed", async () => {
    const { port, accepted } = listen({ ca: made.text("ca.crt") });
    client(port, shows("foreign"));
    expect((await (await accepted).secured).peer).toMatchObject({ subject: "/CN=client", isVerified: false });
  });

  test("refuses who must show a certificate and shows none, a foreign or a revoked one", async () => {
    const wanted = { ca: made.text("ca.crt"), crl: made.text("ca.crl"), verifyCertificate: true };
    const cases: readonly (readonly [ConnectionOptions, string])[] = [
      [{}, "the client has shown no certificate"],
      [shows("foreign"), "the certificate of the client is not accepted: "],
      [shows("revoked"), "the certificate of the client is not accepted: certificate revoked"],
    ];
    for (const [options, sentence] of cases) {
      const { port, accepted } = listen(wanted);
      const peer = client(port, options);
      expect(await refusal((await accepted).secured)).toContain(sentence);
      await eventually(() => peer.destroyed || peer.bare.destroyed || peer.bare.readableEnded, {
        what: "the end",
      });
    }
    const { port, accepted } = listen(wanted);
    client(port, shows("client"));
    expect((await (await accepted).secured).peer?.isVerified).toBe(true);
  });

  test("wants the client's certificate to be for where it comes from", async () => {
    const wanted = { ca: made.text("ca.crt"), verifyCertificate: true, verifyHost: true };
    const elsewhere = listen(wanted);
    client(elsewhere.port, shows("elsewhere"));
    expect(await refusal((await elsewhere.accepted).secured)).toBe(
      "the certificate of the client is not for 127.0.0.1",
    );
    const here = listen(wanted);
    client(here.port, shows("server"));
    expect((await (await here.accepted).secured).peer?.isVerified).toBe(true);
  });

  test("rejects where the client leaves, or sends what is no handshake", async () => {
    const gone = listen();
    const leaver = connectPlain(gone.port, "127.0.0.1");
    leaver.write(Buffer.from([0x53, 0x16, 3, 1, 2, 0]));
    const { secured } = await gone.accepted;
    leaver.resetAndDestroy();
    expect(await refusal(secured)).toMatch(/client/);
    const garbled = listen();
    const garbler = connectPlain(garbled.port, "127.0.0.1");
    garbler.on("error", () => {});
    open.push({ end: () => garbler.destroy() });
    garbler.write(`S${"garbage ".repeat(50)}`);
    expect(await refusal((await garbled.accepted).secured)).toContain(
      "the TLS handshake with the client failed",
    );
  });

  test("rejects once the caller has lost patience and terminates the socket", async () => {
    const { port, accepted } = listen();
    const mute = connectPlain(port, "127.0.0.1");
    mute.on("error", () => {});
    mute.write(Buffer.from([0x53, 0x16, 3, 1, 2, 0]));
    const { secured, bare, side } = await accepted;
    bare.terminate();
    expect(await refusal(secured)).toMatch(/client/);
    expect(side.isClosed).toBe(false);
    mute.destroy();
  });
});

describe("the client's role", () => {
  interface Seen {
    port: number;
    /** What the last client was called for (SNI), and the name in its certificate. */
    last: { readonly servername?: unknown; readonly subject?: string | undefined };
    sockets: TLSSocket[];
  }

  async function tlsServer(
    options: TlsOptions = shows("server"),
    onSecure?: (socket: TLSSocket) => void,
  ): Promise<Seen> {
    const seen: Seen = { port: 0, last: {}, sockets: [] };
    const server = createTlsServer({ rejectUnauthorized: false, ...options }, (socket) => {
      const { servername } = socket as { readonly servername?: unknown };
      seen.last = { servername, subject: socket.getPeerCertificate().subject?.CN as string | undefined };
      seen.sockets.push(socket);
      socket.on("error", () => {});
      if (onSecure === undefined) socket.on("data", (chunk) => socket.write(chunk));
      else onSecure(socket);
    });
    server.on("tlsClientError", () => {});
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    open.push({ end: () => server.close() });
    seen.port = (server.address() as AddressInfo).port;
    return seen;
  }

  /** Connects, asks for TLS, and what becomes of it. */
  async function upgrade(
    port: number,
    parts: Partial<TlsMaterial> & { readonly shows?: string },
    host = "127.0.0.1",
  ): Promise<{ readonly side: Side; readonly secured: Promise<SecureSocket<Side>> }> {
    const context = createTlsContext(material(parts));
    const side = new Side();
    const bare = await Bun.connect<Owner>({
      hostname: "127.0.0.1",
      port,
      allowHalfOpen: true,
      data: { data() {}, close() {} },
      socket: OWNED,
    });
    const secured = connectTls(bare, context, { data: side, handlers: HANDLERS, host });
    secured.catch(() => {});
    open.push({ end: () => bare.terminate() });
    return { side, secured };
  }

  const VERIFY = { verifyCertificate: true } as const;

  test("sends and receives, and verifies authority and address", async () => {
    const server = await tlsServer();
    const { side, secured } = await upgrade(server.port, {
      ca: made.text("ca.crt"),
      ...VERIFY,
      verifyHost: true,
    });
    const { socket, peer } = await secured;
    expect(peer).toEqual({ subject: "/CN=server", issuer: "/CN=Test authority", isVerified: true });
    socket.write("echo me");
    await eventually(() => side.text === "echo me", { what: "the echo" });
  });

  test("names the host it wants (SNI), but not an address", async () => {
    const server = await tlsServer();
    const ca = made.text("ca.crt");
    await (await upgrade(server.port, { ca, verifyHost: true }, "localhost")).secured;
    await eventually(() => server.last.servername === "localhost", { what: "the name" });
    server.last = {};
    await (await upgrade(server.port, { ca, verifyHost: true })).secured;
    await eventually(() => "servername" in server.last, { what: "the second client" });
    expect(server.last.servername || undefined).toBeUndefined();
  });

  test("shows its certificate where it is asked", async () => {
    const server = await tlsServer({ ...shows("server"), requestCert: true, ca: made.text("ca.crt") });
    await (await upgrade(server.port, { shows: "client" })).secured;
    await eventually(() => server.last.subject === "client", { what: "the certificate" });
  });

  test("refuses another authority's, a revoked one, and one for another host, before anything is sent", async () => {
    const ca = made.text("ca.crt");
    const cases: readonly (readonly [string, Partial<TlsMaterial>, string, string])[] = [
      ["foreign", { ca, ...VERIFY }, "127.0.0.1", "the certificate of the server is not accepted: "],
      [
        "revoked",
        { ca, crl: made.text("ca.crl"), ...VERIFY },
        "127.0.0.1",
        "is not accepted: certificate revoked",
      ],
      [
        "elsewhere",
        { ca, ...VERIFY, verifyHost: true },
        "127.0.0.1",
        "the certificate of the server is not for 127.0.0.1",
      ],
      ["server", { ca, ...VERIFY, verifyHost: true }, "db1.example.org", "is not for db1.example.org"],
    ];
    for (const [name, parts, host, sentence] of cases) {
      let received = 0;
      const server = await tlsServer(shows(name), (socket) =>
        socket.on("data", ({ length }) => (received += length)),
      );
      const { side, secured } = await upgrade(server.port, parts, host);
      expect(await refusal(secured)).toContain(sentence);
      expect({ received, isClosed: side.isClosed }).toEqual({ received: 0, isClosed: false });
    }
  });

  test("without verification takes any, and says that it is not verified", async () => {
    const server = await tlsServer(shows("foreign"));
    const { peer } = await (await upgrade(server.port, { ca: made.text("ca.crt") })).secured;
    expect(peer).toMatchObject({ subject: "/CN=client", isVerified: false });
    const other = await tlsServer(shows("elsewhere"));
    const elsewhere = await (await upgrade(other.port, { ca: made.text("ca.crt"), ...VERIFY })).secured;
    expect(elsewhere.peer).toMatchObject({ subject: "/CN=elsewhere", isVerified: true });
  });

  test("speaks TLS 1.1 to an old server where that is asked for, and only then", async () => {
    const old = { ...shows("server"), minVersion: "TLSv1", maxVersion: "TLSv1.1" } as const;
    const server = await tlsServer(old);
    expect(await refusal((await upgrade(server.port, {})).secured)).toContain(
      "the TLS handshake with the server failed",
    );
    const { version } = await (await upgrade(server.port, { minVersion: "TLSv1.1", maxVersion: "TLSv1.2" }))
      .secured;
    expect(version).toBe("TLSv1.1");
  });
});

describe("backpressure and the end", () => {
  const MIB = 1 << 20;

  test("write() says what was taken, drain() when there is room again, and no byte is lost or kept", async () => {
    const { port, accepted } = listen();
    const peer = client(port);
    let got = 0;
    peer.on("data", ({ length }: Buffer) => {
      got += length;
    });
    const { socket, side } = { ...(await accepted), ...(await (await accepted).secured) };
    peer.bare.pause();
    const chunk = Buffer.alloc(300_000, 7);
    const total = 100 * chunk.length;
    let sent = 0;
    const push = (): void => {
      while (sent < total) {
        const from = sent % chunk.length;
        const taken = socket.write(chunk.subarray(from));
        sent += Math.max(0, taken);
        if (from + taken < chunk.length) return;
      }
    };
    rest.set(socket, push);
    push();
    // What the kernel takes of it is its own affair; a library that kept the rest would say "taken".
    expect(sent).toBeLessThan(16 * MIB);
    peer.bare.resume();
    await eventually(() => got === total, { within: 20_000, what: "all bytes" });
    expect(sent).toBe(total);
    expect(side.drains).toBeGreaterThan(0);
  });

  test("pause() stops what comes, after one chunk at the most", async () => {
    const { port, accepted } = listen();
    const peer = client(port);
    const { socket, side } = { ...(await accepted), ...(await (await accepted).secured) };
    socket.pause();
    for (let i = 0; i < 100; i++) peer.write(Buffer.alloc(100_000));
    await new Promise((resolve) => setImmediate(() => setImmediate(resolve)));
    const before = side.received;
    expect(before).toBeLessThan(MIB);
    socket.resume();
    await eventually(() => side.received === 10_000_000, { within: 20_000, what: "all bytes" });
  });

  test("the other side's end is told, and what is written then arrives", async () => {
    const { port, accepted } = listen();
    const peer = client(port);
    const { socket, side } = { ...(await accepted), ...(await (await accepted).secured) };
    let text = "";
    peer.on("data", (chunk) => {
      text += String(chunk);
    });
    peer.end("last");
    await eventually(() => side.hasEnded, { what: "its end" });
    expect(side.text).toBe("last");
    socket.write("answer");
    socket.shutdown();
    await eventually(() => text === "answer", { what: "the answer" });
    await eventually(() => side.isClosed, { what: "the close" });
  });

  test("what was written before end() arrives", async () => {
    const { port, accepted } = listen();
    const peer = client(port);
    let got = 0;
    peer.on("data", ({ length }: Buffer) => {
      got += length;
    });
    const { socket } = await (await accepted).secured;
    socket.write(Buffer.alloc(50_000));
    socket.end();
    await eventually(() => got === 50_000, { what: "all of it" });
  });
});

const once = (emitter: TLSSocket, event: string): Promise<unknown[]> =>
  new Promise((resolve) => emitter.once(event, (...args: unknown[]) => resolve(args)));
