import { setBacklog } from "../../system/listening-socket.ts";
import type { RoutingTable } from "../../topology/routing-table.ts";
import { AccountCopy } from "../login/account-source.ts";
import { HostNames } from "../login/host-names.ts";
import { LoginGuard } from "../login/login-guard.ts";
import { OWNED_SOCKET, type SocketOwner } from "../login/owned-socket.ts";
import { PasswordKey } from "../login/password-key.ts";
import {
  type ListenPlace,
  type OpenListener,
  openListener,
  openListenerFor,
} from "../passthrough/open-listener.ts";
import { ServiceTraffic } from "../passthrough/service-traffic.ts";
import type { Timers } from "../passthrough/timers.ts";
import { TrustedNetworks } from "../passthrough/trusted-networks.ts";
import { foundSession } from "../split/found-session.ts";
import type { FoundSession } from "../split/split-host.ts";
import { SplitService } from "../split/split-service.ts";
import { TlsBook } from "../tls/tls-book.ts";
import type { Cells, ConnectionBoard } from "./connection-board.ts";
import { passthroughLines, serviceCounters, splitCounters, splitLines } from "./figures.ts";
import {
  connectionIdOf,
  type FromWorker,
  SESSIONS_PER_WORKER,
  type SessionLine,
  type ToWorker,
  type WorkerCounters,
} from "./messages.ts";
import { nameOfAddress } from "./name-of-address.ts";
import { SessionSearch } from "./session-search.ts";

export interface WorkerParts {
  readonly number: number;
  readonly board: ConnectionBoard;
  readonly timers: Timers;
  tell(message: FromWorker): void;
  /** The listening socket that came with the present message. */
  nextDescriptor(): Promise<number>;
  /** All it was there for is done. */
  exit(): void;
}

type Listen = Extract<ToWorker, { type: "listen" }>;

interface Listening {
  readonly service: string;
  readonly open: readonly OpenListener[];
  readonly sockets: readonly OpenPort[];
}

/** A socket on which a worker accepts; the key is the control process's name for the place. */
export interface OpenPort {
  readonly key: string;
  readonly fd: number;
}

/** Everything that a worker process does, but for its link to the control process. */
export class Worker {
  readonly #parts: WorkerParts;
  readonly #services = new Map<string, ServiceTraffic>();
  readonly #splits = new Map<string, SplitService>();
  readonly #accounts = new Map<string, AccountCopy>();
  readonly #guard: LoginGuard;
  readonly #names: HostNames;
  readonly #key = new PasswordKey();
  readonly #listeners = new Map<string, Listening>();
  /** For services that speak TLS themselves. */
  readonly tls = new TlsBook();
  #cells: Cells = { services: {}, servers: {} };
  readonly #search: SessionSearch;
  #lastId: number;
  #isDraining = false;
  #isEndSet = false;

  constructor(parts: WorkerParts) {
    this.#parts = parts;
    this.#guard = new LoginGuard(parts.timers);
    this.#names = new HostNames(parts.timers, nameOfAddress);
    this.#search = new SessionSearch(parts.timers, (question, connectionId) =>
      parts.tell({ type: "find session", asker: parts.number, question, connectionId }),
    );
    this.#lastId = parts.number * SESSIONS_PER_WORKER;
  }

  async handle(message: ToWorker): Promise<void> {
    switch (message.type) {
      case "table":
        this.#putTable(message.table, message.cells);
        return;
      case "tls":
        this.tls.put(message.materials);
        return;
      case "accounts":
        this.#accountsOf(message.service).put(message.accounts);
        return;
      case "login limits":
        this.#guard.maxFailures = message.maxFailures;
        return;
      case "listen":
        await this.#listen(message);
        return;
      case "unlisten":
        this.#unlisten(message.listener);
        return;
      case "list sessions":
        this.#parts.tell({ type: "sessions", question: message.question, sessions: this.#sessionLines() });
        return;
      case "count":
        this.#parts.tell({ type: "counted", question: message.question, ...this.counters() });
        return;
      case "leave server":
        this.#services.get(message.service)?.leaveServer(message.server, "it was taken out of the service");
        return;
      case "end session":
        this.#endSession(message.id);
        return;
      case "end sessions":
        this.#endSessions(message.service, message.listener);
        return;
      case "session found":
        if (message.asker === this.#parts.number) this.#search.answered(message.question, message.session);
        return;
      case "drain":
        this.drain(message.withinMs);
        return;
      case "stop":
        this.stop();
    }
  }

  /** Where it accepts now: a new control process goes on with these sockets. */
  get openPorts(): readonly OpenPort[] {
    return [...this.#listeners.values()].flatMap(({ sockets }) => sockets);
  }

  /** It has nothing that could miss it. */
  get isIdle(): boolean {
    return this.#listeners.size === 0 && this.#hasNoSession();
  }

  /** Accepts no more; exits once the last session has ended, or after `withinMs` (0: whenever that is). The first word counts. */
  drain(withinMs = 0): void {
    this.#isDraining = true;
    if (withinMs > 0 && !this.#isEndSet) {
      this.#isEndSet = true;
      this.#parts.timers.after(withinMs, () => this.stop());
    }
    for (const listener of [...this.#listeners.keys()]) this.#unlisten(listener);
    this.#exitWhenDone();
  }

  stop(): void {
    this.drain();
    for (const traffic of this.#services.values()) traffic.endAll();
    for (const split of this.#splits.values()) split.endAll();
    this.#parts.exit();
  }

  /** Once a second: time limits. */
  sweep(now: number): void {
    for (const traffic of this.#services.values()) traffic.sweep(now);
    for (const split of this.#splits.values()) split.sweep(now);
    if (this.#isDraining) this.#exitWhenDone();
  }

  counters(): WorkerCounters {
    const { user, system } = process.cpuUsage();
    const services = [
      ...[...this.#services].map(([name, traffic]) => [name, serviceCounters(traffic)] as const),
      ...[...this.#splits].map(([name, split]) => [name, splitCounters(split)] as const),
    ];
    return {
      sessions: services.reduce((sum, [, { current }]) => sum + current, 0),
      listeners: this.#listeners.size,
      rssBytes: process.memoryUsage.rss(),
      cpuMicros: user + system,
      services: Object.fromEntries(services),
    };
  }

  #putTable(table: RoutingTable, cells: Cells): void {
    this.#cells = cells;
    for (const route of table.services) {
      const present = this.#services.get(route.name);
      if (present === undefined) this.#addService(route);
      else present.put(route);
    }
    for (const [name, traffic] of this.#services) {
      if (table.services.some((route) => route.name === name)) continue;
      traffic.endAll();
      this.#services.delete(name);
    }
    for (const route of table.splits) {
      const present = this.#splits.get(route.name);
      if (present === undefined) this.#addSplit(route);
      else present.put(route);
    }
    for (const [name, split] of this.#splits) {
      if (table.splits.some((route) => route.name === name)) continue;
      split.endAll();
      this.#splits.delete(name);
      this.#accounts.delete(name);
    }
  }

  #addSplit(route: RoutingTable["splits"][number]): void {
    const { board, timers, tell } = this.#parts;
    const { name } = route;
    const split = new SplitService(route, {
      timers,
      tls: this.tls,
      accounts: this.#accountsOf(name),
      guard: this.#guard,
      key: this.#key,
      serviceTally: board.tally(this.#cells.services[name]),
      tallyOf: (server) => board.tally(this.#cells.servers[server]),
      nextId: () => ++this.#lastId,
      onFailure: (server, reason) => tell({ type: "server failed", server, reason }),
      onLoginFailure: (failure) => tell({ type: "login failed", service: name, ...failure }),
      onExposedPassword: (user, host) => tell({ type: "password exposed", service: name, user, host }),
      connectionIdOf,
      findSession: async (connectionId) =>
        this.#ownSession(connectionId) ?? (await this.#search.find(connectionId)),
      endSession: (id) => this.#killSession(id),
      nameOf: (address) => this.#names.nameOf(address),
    });
    this.#splits.set(name, split);
  }

  #accountsOf(service: string): AccountCopy {
    const { timers, tell } = this.#parts;
    const present = this.#accounts.get(service);
    if (present !== undefined) return present;
    const copy = new AccountCopy({ timers, ask: () => tell({ type: "accounts wanted", service }) });
    this.#accounts.set(service, copy);
    return copy;
  }

  #addService(route: RoutingTable["services"][number]): void {
    const { board, timers, tell } = this.#parts;
    const traffic = new ServiceTraffic(route, {
      timers,
      serviceTally: board.tally(this.#cells.services[route.name]),
      tallyOf: (server) => board.tally(this.#cells.servers[server]),
      nextId: () => ++this.#lastId,
      onFailure: (server, reason) => tell({ type: "server failed", server, reason }),
    });
    this.#services.set(route.name, traffic);
  }

  async #listen({ listener, service, trusted, sockets, backlog, key }: Listen): Promise<void> {
    const { tell, nextDescriptor } = this.#parts;
    try {
      const fds: number[] = [];
      while (fds.length < sockets) fds.push(await nextDescriptor());
      this.#unlisten(listener);
      const open = fds.map((fd) => this.#open(listener, service, { kind: "fd", fd }, trusted));
      // Bun has given the queue a length of its own.
      await setBacklog(fds, backlog);
      const ports = key === undefined ? [] : fds.map((fd) => ({ key, fd }));
      this.#listeners.set(listener, { service, open, sockets: ports });
      tell({ type: "listening", listener, failure: undefined });
    } catch (error) {
      tell({ type: "listening", listener, failure: String(error) });
    }
  }

  #open(listener: string, service: string, place: ListenPlace, trusted: readonly string[]): OpenListener {
    const split = this.#splits.get(service);
    const networks = new TrustedNetworks(trusted);
    if (split !== undefined)
      return openListenerFor<SocketOwner>(OWNED_SOCKET, place, (socket) =>
        split.accept(socket, listener, networks.has(socket.remoteAddress)),
      );
    const traffic = this.#services.get(service);
    if (traffic === undefined) throw new Error(`the routing table has no service ${service}`);
    return openListener(listener, place, traffic, networks);
  }

  #unlisten(listener: string): void {
    for (const open of this.#listeners.get(listener)?.open ?? []) open.close();
    this.#listeners.delete(listener);
  }

  #endSessions(service: string | undefined, listener: string | undefined): void {
    const isMeant = (of: string, by: string): boolean => (service ?? of) === of && (listener ?? by) === by;
    for (const { name, sessions } of this.#services.values())
      for (const session of [...sessions]) if (isMeant(name, session.listener)) session.end();
    for (const { name, sessions } of this.#splits.values())
      for (const session of [...sessions.values()]) if (isMeant(name, session.listener)) session.finish();
  }

  #ownSession(connectionId: number): FoundSession | undefined {
    for (const { sessions } of this.#splits.values())
      for (const session of sessions.values())
        if (session.client.connectionId === connectionId) return foundSession(session);
    return undefined;
  }

  /** In this worker or another. */
  #killSession(id: number): void {
    if (Math.floor(id / SESSIONS_PER_WORKER) === this.#parts.number) this.#endSession(id);
    else this.#parts.tell({ type: "end session", id });
  }

  #endSession(id: number): void {
    for (const { sessions } of this.#services.values())
      for (const session of [...sessions]) if (session.id === id) session.end();
    for (const { sessions } of this.#splits.values()) sessions.get(id)?.finish();
  }

  #sessionLines(): readonly SessionLine[] {
    const now = this.#parts.timers.now();
    return [
      ...[...this.#services.values()].flatMap((traffic) => passthroughLines(traffic, now)),
      ...[...this.#splits.values()].flatMap((split) => splitLines(split, now)),
    ];
  }

  #exitWhenDone(): void {
    if (this.#hasNoSession()) this.#parts.exit();
  }

  #hasNoSession(): boolean {
    const isEmpty = [...this.#services.values()].every(({ sessions }) => sessions.size === 0);
    return isEmpty && [...this.#splits.values()].every(({ hasNobody }) => hasNobody);
  }
}
