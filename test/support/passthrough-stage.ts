import { afterEach } from "bun:test";
import { connect, createServer, type Server, type Socket } from "node:net";
import { type OpenListener, openListener } from "../../src/proxy/passthrough/open-listener.ts";
import { ServiceTraffic } from "../../src/proxy/passthrough/service-traffic.ts";
import { LocalTally } from "../../src/proxy/passthrough/tally.ts";
import { TrustedNetworks } from "../../src/proxy/passthrough/trusted-networks.ts";
import { SYSTEM_CLOCK } from "../../src/telemetry/clock.ts";
import type { ServiceLimits, ServiceRoute, Target } from "../../src/topology/routing-table.ts";
import { eventually } from "../eventually.ts";

export const GREETING = Buffer.from(
  "\u001a\u0000\u0000\u0000\n10.11.6-MariaDB\u0000\u0007\u0000\u0000\u0000abcd",
);
const LIMITS: ServiceLimits = {
  maxConnections: 0,
  queueTimeoutMs: 0,
  connectTimeoutMs: 5000,
  idleTimeoutMs: 0,
  writeTimeoutMs: 0,
};

export const target = (server: string, port: number, changes: Partial<Target> = {}): Target => ({
  server,
  endpoint: { kind: "tcp", host: "127.0.0.1", port },
  weight: 1,
  maxConnections: 0,
  proxyProtocol: "off",
  userTimeoutMs: 0,
  ...changes,
});

export const route = (targets: readonly Target[], limits: Partial<ServiceLimits> = {}): ServiceRoute => ({
  name: "app",
  balance: "round-robin",
  targets,
  closing: [],
  refusal: "service app has no server to use: db1 is down (killed)",
  limits: { ...LIMITS, ...limits },
});

/** A server that says its name before what it was told. */
export const greets =
  (name: string) =>
  (socket: Socket): void => {
    socket.write(GREETING);
    socket.on("data", (chunk) => socket.write(`${name}:${chunk}`));
    socket.on("end", () => socket.end());
  };

export interface Backend {
  readonly port: number;
  readonly sockets: Socket[];
  readonly server: Server;
}

export interface Stage {
  readonly traffic: ServiceTraffic;
  readonly listener: OpenListener;
  readonly failures: string[];
}

export interface Client {
  readonly socket: Socket;
  readonly received: () => Buffer;
  readonly hasEnded: () => boolean;
  readonly isClosed: () => boolean;
}

export const greeted = async (of: Client): Promise<void> => {
  await eventually(() => of.received().length >= GREETING.length, { what: "the greeting" });
};

/** A service with its listener, its servers and its clients, on real sockets of the loopback; all of it ends with the test. */
export class PassthroughStage {
  readonly #cleanUps: (() => void)[] = [];

  constructor() {
    afterEach(() => {
      for (const cleanUp of this.#cleanUps.splice(0)) cleanUp();
    });
  }

  /** A server that does with each connection what `serve` says. */
  async backend(serve: (socket: Socket) => void): Promise<Backend> {
    const sockets: Socket[] = [];
    const server = createServer({ allowHalfOpen: true }, (socket) => {
      sockets.push(socket);
      socket.on("error", () => {});
      serve(socket);
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    this.#cleanUps.push(() => {
      server.close();
      for (const socket of sockets) socket.destroy();
    });
    const address = server.address();
    return { port: address !== null && typeof address === "object" ? address.port : 0, sockets, server };
  }

  /** @param trusted networks of clients that may send a PROXY header */
  open(of: ServiceRoute, trusted: readonly string[] = []): Stage {
    const failures: string[] = [];
    let id = 0;
    const tallies = new Map<string, LocalTally>();
    const traffic = new ServiceTraffic(of, {
      timers: SYSTEM_CLOCK,
      serviceTally: new LocalTally(),
      tallyOf: (server) => {
        const tally = tallies.get(server) ?? new LocalTally();
        tallies.set(server, tally);
        return tally;
      },
      nextId: () => ++id,
      onFailure: (server, reason) => failures.push(`${server}: ${reason}`),
    });
    const place = { kind: "tcp", hostname: "127.0.0.1", port: 0 } as const;
    const listener = openListener("app-listener", place, traffic, new TrustedNetworks(trusted));
    this.#cleanUps.push(() => {
      listener.close();
      traffic.endAll();
    });
    return { traffic, listener, failures };
  }

  /** A client that keeps all it is told. */
  client({ listener }: Stage): Client {
    const chunks: Buffer[] = [];
    let hasEnded = false;
    let isClosed = false;
    const socket = this.socket({ listener });
    socket.on("data", (chunk: Buffer) => chunks.push(chunk));
    socket.on("end", () => {
      hasEnded = true;
    });
    socket.on("close", () => {
      isClosed = true;
    });
    return {
      socket,
      received: () => Buffer.concat(chunks),
      hasEnded: () => hasEnded,
      isClosed: () => isClosed,
    };
  }

  /** A client that nobody reads from yet. */
  socket({ listener }: Pick<Stage, "listener">): Socket {
    const socket = connect({ port: listener.port, host: "127.0.0.1", allowHalfOpen: true });
    socket.on("error", () => {});
    this.#cleanUps.push(() => socket.destroy());
    return socket;
  }
}
