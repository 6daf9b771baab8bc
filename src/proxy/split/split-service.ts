import { modeOfServers } from "../../sql/lexer-mode.ts";
import type { SplitRoute, SplitRules } from "../../topology/routing-table.ts";
import { plainAddress } from "../../wire/ip-address.ts";
import { type Peer, writeProxyHeader } from "../../wire/proxy-header.ts";
import { AccountPlaces } from "../login/account-places.ts";
import type { AccountSource } from "../login/account-source.ts";
import { type ChangeUserParts, changeClientUser } from "../login/change-client-user.ts";
import { type ClientOrigin, loginClient } from "../login/client-login.ts";
import { connectServer } from "../login/connect-server.ts";
import type { LoginFailure } from "../login/end-login.ts";
import { KnownPasswords } from "../login/known-passwords.ts";
import type { LoggedInClient } from "../login/logged-in.ts";
import { tooManyOfUser } from "../login/login-errors.ts";
import type { LoginGuard } from "../login/login-guard.ts";
import type { OwnedSocket } from "../login/owned-socket.ts";
import type { PasswordKey } from "../login/password-key.ts";
import { RandomPool } from "../login/random-pool.ts";
import type { ServerLoginOutcome } from "../login/server-login.ts";
import type { Tally } from "../passthrough/tally.ts";
import type { Timers } from "../passthrough/timers.ts";
import type { TlsBook } from "../tls/tls-book.ts";
import { canBeReset } from "./causal-read.ts";
import { IdleLegs } from "./idle-legs.ts";
import type { ServerLeg } from "./server-leg.ts";
import type { FoundSession, HostedSession, SplitHost } from "./split-host.ts";
import { SplitServer } from "./split-server.ts";
import { SplitSession } from "./split-session.ts";
import { WaitingRoom } from "./waiting-room.ts";

export interface SplitParts {
  readonly timers: Timers;
  readonly tls: TlsBook;
  readonly accounts: AccountSource;
  readonly guard: LoginGuard;
  readonly key: PasswordKey;
  /** The sessions of the service over all workers. */
  readonly serviceTally: Tally;
  tallyOf(server: string): Tally;
  nextId(): number;
  /** What a client is told of its session's id. */
  connectionIdOf(id: number): number;
  /** A server could not be reached; `reason` is one clause. */
  onFailure(server: string, reason: string): void;
  onLoginFailure(failure: LoginFailure): void;
  /** A session of any service and worker, by the number that its client was told. */
  findSession(connectionId: number): Promise<FoundSession | undefined>;
  endSession(id: number): void;
  /** A client without TLS has sent its password in the clear. */
  onExposedPassword(user: string, host: string): void;
  /** What an address resolves to, confirmed; undefined: nothing. */
  nameOf(address: string): Promise<string | undefined>;
}

/** Plain fields, read from outside. */
export interface SplitCounters {
  /** Sessions that have logged in. */
  total: number;
  most: number;
  /** Turned away: no place. */
  refused: number;
  /** Server connections that failed, so that another was tried. */
  retried: number;
  failedLogins: number;
  /** Carried by sessions that have ended: bytes from and to clients, and reads. */
  bytesIn: number;
  bytesOut: number;
  reads: number;
}

/** A client's whole login, ms; servers allow as much (connect_timeout). */
const LOGIN_MS = 10_000;

/** The sessions of one service with router=readwritesplit in this process, and the servers they share. */
export class SplitService implements SplitHost {
  readonly timers: Timers;
  readonly counters: SplitCounters = {
    total: 0,
    most: 0,
    refused: 0,
    retried: 0,
    failedLogins: 0,
    bytesIn: 0,
    bytesOut: 0,
    reads: 0,
  };
  readonly #parts: SplitParts;
  readonly #accountPlaces = new AccountPlaces();
  /** By id. */
  readonly #sessions = new Map<number, SplitSession>();
  /** Clients that have a place: those that log in, and sessions. */
  #placed = 0;
  /** Every server there ever was: their totals are told as long as this process lives. */
  readonly #all = new Map<string, SplitServer>();
  /** Connections that no session has now. */
  readonly #idle = new Map<SplitServer, IdleLegs>();
  readonly #passwords = new KnownPasswords();
  readonly #room: WaitingRoom;
  #route: SplitRoute;
  #servers: ReadonlyMap<string, SplitServer> = new Map();
  #primary: SplitServer | undefined;
  #readers: readonly SplitServer[] = [];
  #turn = 0;
  #serverMode = 0;

  constructor(route: SplitRoute, parts: SplitParts) {
    this.#parts = parts;
    this.timers = parts.timers;
    this.#route = route;
    this.#room = new WaitingRoom({
      timers: parts.timers,
      tally: parts.serviceTally,
      limits: () => this.#route.limits,
      refused: () => this.counters.refused++,
    });
    this.put(route);
  }

  get name(): string {
    return this.#route.name;
  }

  get sessions(): ReadonlyMap<number, SplitSession> {
    return this.#sessions;
  }

  get hasNobody(): boolean {
    return this.#placed === 0;
  }

  /** Clients that wait for a place. */
  get waiting(): number {
    return this.#room.count;
  }

  get allServers(): ReadonlyMap<string, SplitServer> {
    return this.#all;
  }

  get rules(): SplitRules {
    return this.#route.rules;
  }

  get servers(): ReadonlyMap<string, SplitServer> {
    return this.#servers;
  }

  get primary(): SplitServer | undefined {
    return this.#primary;
  }

  get readers(): readonly SplitServer[] {
    return this.#readers;
  }

  get refusal(): string {
    return this.#route.refusal;
  }

  get mode(): number {
    return this.#serverMode | (this.#primary?.sqlMode ?? this.#readers[0]?.sqlMode ?? 0);
  }

  get serverMode(): number {
    return this.#serverMode;
  }

  /** From here on this is the route. */
  put(route: SplitRoute): void {
    this.#route = route;
    this.#serverMode = modeOfServers(route.versions);
    const servers = new Map<string, SplitServer>();
    for (const target of route.servers) {
      const name = target.server;
      const server = this.#all.get(name) ?? new SplitServer(target, this.#parts.tallyOf(name));
      server.target = target;
      this.#all.set(name, server);
      servers.set(name, server);
    }
    this.#servers = servers;
    this.#primary = servers.get(route.primary ?? "");
    this.#readers = route.readers.flatMap((name) => servers.get(name) ?? []);
    for (const { server, reason } of route.closing) {
      for (const leg of [...(this.#all.get(server)?.legs ?? [])]) leg.lose(reason);
    }
    for (const [server, idle] of this.#idle)
      if (servers.get(server.name) !== server || server.target.isDraining) idle.closeAll();
    for (const session of this.#sessions.values()) session.routeChanged();
  }

  /** @param mayBeProxied it may begin with a header of the PROXY protocol */
  accept(socket: OwnedSocket, listener: string, mayBeProxied: boolean): void {
    this.#room.come(socket, () => {
      this.#placed++;
      void this.#logIn(socket, listener, mayBeProxied);
    });
  }

  nextTurn(): number {
    this.#turn = (this.#turn + 1) % 1_000_000;
    return this.#turn;
  }

  async connect(server: SplitServer, session: HostedSession): Promise<ServerLoginOutcome> {
    const { connectTimeoutMs } = this.#route.limits;
    const tls = this.#parts.tls.server(server.name);
    if (tls.kind === "broken") return { kind: "unfit", reason: `cannot be reached by TLS: ${tls.reason}` };
    const { client, database } = session;
    const { proxyProtocol } = server.target;
    return await connectServer(
      server.target,
      connectTimeoutMs,
      {
        ...client,
        database,
        proxyHeader: proxyProtocol === "off" ? NOTHING : writeProxyHeader(proxyProtocol, session.route),
        tls: tls.kind === "tls" ? tls.context : undefined,
        deadlineMs: connectTimeoutMs,
      },
      this.timers,
    );
  }

  takeIdle(server: SplitServer, session: HostedSession): ServerLeg | undefined {
    const idle = this.#idle.get(server);
    if (idle === undefined || idle.count === 0 || !canBeReset(server, this.rules)) return undefined;
    return idle.take(idleKey(server, session));
  }

  leaveIdle(leg: ServerLeg, session: HostedSession): void {
    const { server } = leg;
    const idle = this.#idle.get(server) ?? new IdleLegs();
    const isKept = idle.count < server.target.poolMax && this.#servers.get(server.name) === server;
    if (isKept && canBeReset(server, this.rules)) {
      this.#idle.set(server, idle);
      idle.park(leg, idleKey(server, session), this.timers.now());
      return;
    }
    server.remove(leg);
    leg.quit();
  }

  /** Connections to a server that no session has now. */
  idleOn(server: SplitServer): number {
    return this.#idle.get(server)?.count ?? 0;
  }

  async findSession(connectionId: number): Promise<FoundSession | undefined> {
    return await this.#parts.findSession(connectionId);
  }

  endSession(id: number): void {
    this.#parts.endSession(id);
  }

  changeUser(session: HostedSession, socket: OwnedSocket, command: Buffer, early: Buffer): void {
    this.#forget(session);
    const { id, listener, route } = session;
    void changeClientUser(socket, command, early, session.client, this.#loginParts()).then((client) => {
      if (client === undefined) this.#leave();
      else if (this.#hasPlaceFor(client)) this.#begin(new SplitSession(id, listener, client, this, route));
    });
  }

  failed(server: SplitServer, reason: string): void {
    this.counters.retried++;
    this.#parts.onFailure(server.name, reason);
  }

  gone(session: HostedSession): void {
    if (this.#forget(session)) this.#leave();
  }

  sweep(now: number): void {
    const { idleTimeoutMs, writeTimeoutMs } = this.#route.limits;
    for (const session of this.#sessions.values()) session.sweep(now, idleTimeoutMs, writeTimeoutMs);
    for (const [{ target }, idle] of this.#idle) idle.sweep(now, target.poolMax, target.poolMaxTimeMs);
  }

  endAll(): void {
    for (const session of this.#sessions.values()) session.finish();
    for (const idle of this.#idle.values()) idle.closeAll();
  }

  async #logIn(socket: OwnedSocket, listener: string, mayBeProxied: boolean): Promise<void> {
    const id = this.#parts.nextId();
    // A unix socket has no addresses, whatever the types say.
    const remote = socket.remoteAddress as string | undefined;
    const origin = {
      address: remote === undefined ? undefined : plainAddress(remote),
      port: remote === undefined ? 0 : socket.remotePort,
      connectionId: this.#parts.connectionIdOf(id),
      mayBeProxied,
    };
    const door = { address: socket.localAddress, port: socket.localPort };
    const client = await this.#loginOf(socket, listener, origin);
    if (client === undefined) {
      this.counters.failedLogins++;
      this.#leave();
      return;
    }
    if (!this.#hasPlaceFor(client)) return;
    this.counters.total++;
    this.#begin(new SplitSession(id, listener, client, this, routeOf(client, door)));
  }

  /** False: it was not there any more. */
  #forget({ id, client }: HostedSession): boolean {
    const session = this.#sessions.get(id);
    if (session === undefined) return false;
    this.counters.bytesIn += session.bytesIn;
    this.counters.bytesOut += session.bytesOut;
    this.counters.reads += session.reads;
    this.#sessions.delete(id);
    this.#accountPlaces.leave(client);
    return true;
  }

  /** Takes one of the account's places; false: there is none, and the client has been told. */
  #hasPlaceFor(client: LoggedInClient): boolean {
    if (this.#accountPlaces.take(client)) return true;
    client.refuse(tooManyOfUser(client.user));
    this.#leave();
    return false;
  }

  #begin(session: SplitSession): void {
    this.#sessions.set(session.id, session);
    this.counters.most = Math.max(this.counters.most, this.#sessions.size);
    session.begin();
  }

  async #loginOf(
    socket: OwnedSocket,
    listener: string,
    origin: ClientOrigin,
  ): Promise<LoggedInClient | undefined> {
    const { tls, onLoginFailure } = this.#parts;
    const choice = tls.listener(listener);
    if (choice.kind === "broken") {
      socket.data = NOBODY;
      socket.terminate();
      onLoginFailure({
        user: "",
        host: origin.address ?? "localhost",
        reason: `no TLS: ${choice.reason}`,
        isGuess: false,
      });
      return undefined;
    }
    const { face } = this.#route;
    return await loginClient(socket, origin, {
      ...this.#loginParts(),
      face,
      tls: choice.kind === "tls" ? choice.context : undefined,
    });
  }

  #loginParts(): ChangeUserParts {
    const { accounts, guard, key, timers, onLoginFailure, onExposedPassword, nameOf } = this.#parts;
    return {
      deadlineMs: LOGIN_MS,
      service: this.name,
      accounts,
      passwords: this.#passwords,
      key,
      allowsRoot: this.rules.allowsRoot,
      randomBytes: (count) => RANDOM.take(count),
      nameOf,
      timers,
      guard,
      onFailure: onLoginFailure,
      onExposedPassword,
    };
  }

  #leave(): void {
    this.#placed--;
    this.#room.leave();
  }
}

/** Equal for sessions that may have each other's connections. */
function idleKey({ target }: SplitServer, { client, database }: HostedSession): string {
  const { user, credential, capabilities, mariadbCapabilities, characterSet } = client;
  const secret =
    credential.kind === "none"
      ? ""
      : credential.kind === "sha1"
        ? credential.sha1.toString("hex")
        : credential.password.toString("hex");
  // A server that is told of the client's address may know it by another account than a client from elsewhere.
  const host = target.proxyProtocol === "off" ? "" : client.host;
  return JSON.stringify([user, secret, host, capabilities, mariadbCapabilities, characterSet, database]);
}

/** What the PROXY protocol tells servers; undefined: the client came by a unix socket. */
function routeOf({ address, port }: LoggedInClient, door: Peer): SplitSession["route"] {
  if (address === undefined) return undefined;
  return {
    source: { address, port },
    destination: { address: plainAddress(door.address), port: door.port },
  };
}

const RANDOM = new RandomPool();
const NOTHING = Buffer.alloc(0);
const nothing = (): void => {};
const NOBODY = { data: nothing, drain: nothing, end: nothing, close: nothing };
