import { AccountCopy } from "../../src/proxy/login/account-source.ts";
import type { LoginFailure } from "../../src/proxy/login/end-login.ts";
import { LoginGuard } from "../../src/proxy/login/login-guard.ts";
import { OWNED_SOCKET, type SocketOwner } from "../../src/proxy/login/owned-socket.ts";
import { PasswordKey } from "../../src/proxy/login/password-key.ts";
import { type OpenListener, openListenerFor } from "../../src/proxy/passthrough/open-listener.ts";
import { LocalTally } from "../../src/proxy/passthrough/tally.ts";
import { foundSession } from "../../src/proxy/split/found-session.ts";
import type { ServerLeg } from "../../src/proxy/split/server-leg.ts";
import { SplitService } from "../../src/proxy/split/split-service.ts";
import { TlsBook } from "../../src/proxy/tls/tls-book.ts";
import { SYSTEM_CLOCK } from "../../src/telemetry/clock.ts";
import type { Accounts } from "../../src/topology/accounts.ts";
import type { SplitRoute, SplitRules } from "../../src/topology/routing-table.ts";
import { faceOf } from "../../src/wire/service-face.ts";

export const SPLIT_RULES: SplitRules = {
  maxReplicas: 255,
  criterion: "operations",
  masterFailureMode: "fail_on_write",
  masterReconnection: true,
  retryFailedReads: true,
  delayedRetryMs: 0,
  replay: undefined,
  causalReads: "none",
  causalReadsTimeoutMs: 10_000,
  history: { max: 50, prune: true },
  strictMultiStatements: false,
  strictCalls: false,
  readVariablesOnPrimary: false,
  poolIdleMs: undefined,
  keepaliveMs: 0,
  allowsRoot: true,
};

export interface RigServer {
  readonly name: string;
  readonly address: string;
  readonly port: number;
}

/** A service that splits, in the test's own process: the test says which server is what. */
export class SplitRig {
  readonly service: SplitService;
  readonly failures: LoginFailure[] = [];
  readonly serverFailures: string[] = [];
  readonly #servers: readonly RigServer[];
  readonly #listener: OpenListener;
  #lastId = 0;
  #route: SplitRoute;

  /** The first server is the primary, the others are its readers. */
  constructor(
    servers: readonly RigServer[],
    accounts: Accounts,
    rules: Partial<SplitRules> = {},
    versions: readonly string[] = ["10.11.6-MariaDB"],
  ) {
    this.#servers = servers;
    const [primary, ...readers] = servers.map(({ name }) => name);
    this.#route = {
      name: "rig",
      servers: servers.map((server) => this.#target(server)),
      primary,
      readers,
      closing: [],
      refusal: "service rig has no server",
      face: faceOf(versions),
      versions,
      limits: {
        maxConnections: 0,
        queueTimeoutMs: 0,
        connectTimeoutMs: 3000,
        idleTimeoutMs: 0,
        writeTimeoutMs: 0,
      },
      rules: { ...SPLIT_RULES, ...rules },
    };
    const copy = new AccountCopy({
      timers: SYSTEM_CLOCK,
      ask: () => queueMicrotask(() => copy.put(undefined)),
    });
    copy.put(accounts);
    this.service = new SplitService(this.#route, {
      timers: SYSTEM_CLOCK,
      tls: new TlsBook(),
      accounts: copy,
      guard: new LoginGuard(SYSTEM_CLOCK),
      key: new PasswordKey(),
      serviceTally: new LocalTally(),
      tallyOf: () => new LocalTally(),
      nextId: () => ++this.#lastId,
      connectionIdOf: (id) => id,
      onFailure: (server, reason) => this.serverFailures.push(`${server} ${reason}`),
      onLoginFailure: (failure) => this.failures.push(failure),
      findSession: async (connectionId) => {
        const found = [...this.service.sessions.values()].find(
          ({ client }) => client.connectionId === connectionId,
        );
        return found === undefined ? undefined : foundSession(found);
      },
      endSession: (id) => this.service.sessions.get(id)?.finish(),
      onExposedPassword: () => {},
      nameOf: async () => undefined,
    });
    this.#listener = openListenerFor<SocketOwner>(
      OWNED_SOCKET,
      { kind: "tcp", hostname: "0.0.0.0", port: 0 },
      (socket) => this.service.accept(socket, "rig", false),
    );
  }

  get port(): number {
    return this.#listener.port;
  }

  /** Changes the routing table. */
  route(change: Partial<SplitRoute>, rules: Partial<SplitRules> = {}): void {
    this.#route = { ...this.#route, ...change, rules: { ...this.#route.rules, ...rules } };
    this.service.put(this.#route);
    this.#route = { ...this.#route, closing: [] };
  }

  /** That server is the primary now, the others of `servers` are its readers. */
  promote(name: string, servers = this.#servers.map((server) => server.name)): void {
    this.route({
      servers: this.#servers
        .filter((server) => servers.includes(server.name))
        .map((server) => this.#target(server)),
      primary: name,
      readers: servers.filter((server) => server !== name),
    });
  }

  /** Every server keeps so many idle connections. */
  pool(poolMax: number): void {
    this.route({ servers: this.#route.servers.map((server) => ({ ...server, poolMax })) });
  }

  /** Connections that the next session may have: no session has them, and they have been reset. */
  get ready(): number {
    return this.legs.every(({ isIdle }) => isIdle)
      ? [...this.service.allServers.values()].reduce((sum, server) => sum + this.service.idleOn(server), 0)
      : 0;
  }

  /** All connections to servers. */
  get legs(): readonly ServerLeg[] {
    return [...this.service.allServers.values()].flatMap(({ legs }) => [...legs] as ServerLeg[]);
  }

  limit(limits: Partial<SplitRoute["limits"]>): void {
    this.route({ limits: { ...this.#route.limits, ...limits } });
  }

  close(): void {
    this.#listener.close();
    this.service.endAll();
  }

  #target({ name, address, port }: RigServer): SplitRoute["servers"][number] {
    return {
      server: name,
      endpoint: { kind: "tcp", host: address, port },
      weight: 1,
      maxConnections: 0,
      proxyProtocol: "off",
      userTimeoutMs: 0,
      isGalera: false,
      isDraining: false,
      lagSeconds: undefined,
      poolMax: 0,
      poolMaxTimeMs: 0,
    };
  }
}
