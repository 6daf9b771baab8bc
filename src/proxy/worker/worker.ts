import type { RoutingTable } from "../../topology/routing-table.ts";
import { type OpenListener, openListener } from "../passthrough/open-listener.ts";
import { ServiceTraffic } from "../passthrough/service-traffic.ts";
import type { Session } from "../passthrough/session.ts";
import type { Timers } from "../passthrough/timers.ts";
import { TrustedNetworks } from "../passthrough/trusted-networks.ts";
import { TlsBook } from "../tls/tls-book.ts";
import type { Cells, ConnectionBoard } from "./connection-board.ts";
import {
  type FromWorker,
  SESSIONS_PER_WORKER,
  type ServiceCounters,
  type SessionLine,
  type ToWorker,
  type WorkerCounters,
} from "./messages.ts";

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

interface Listening {
  readonly service: string;
  readonly open: OpenListener;
}

/** Everything that a worker process does, but for its link to the control process. */
export class Worker {
  readonly #parts: WorkerParts;
  readonly #services = new Map<string, ServiceTraffic>();
  readonly #listeners = new Map<string, Listening>();
  /** For services that speak TLS themselves. */
  readonly tls = new TlsBook();
  #cells: Cells = { services: {}, servers: {} };
  #lastId: number;
  #isDraining = false;

  constructor(parts: WorkerParts) {
    this.#parts = parts;
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
        for (const [session] of this.#sessions()) if (session.id === message.id) session.end();
        return;
      case "end sessions":
        this.#endSessions(message.service, message.listener);
        return;
      case "drain":
        this.drain();
        return;
      case "stop":
        this.stop();
    }
  }

  /** It has nothing that could miss it. */
  get isIdle(): boolean {
    return this.#listeners.size === 0 && this.#hasNoSession();
  }

  /** Accepts no more; exits once the last session has ended. */
  drain(): void {
    this.#isDraining = true;
    for (const listener of [...this.#listeners.keys()]) this.#unlisten(listener);
    this.#exitWhenDone();
  }

  stop(): void {
    this.drain();
    for (const traffic of this.#services.values()) traffic.endAll();
    this.#parts.exit();
  }

  /** Once a second: time limits. */
  sweep(now: number): void {
    for (const traffic of this.#services.values()) traffic.sweep(now);
    if (this.#isDraining) this.#exitWhenDone();
  }

  counters(): WorkerCounters {
    const { user, system } = process.cpuUsage();
    const services = [...this.#services].map(([name, traffic]) => [name, serviceCounters(traffic)] as const);
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

  async #listen({ listener, service, trusted }: Extract<ToWorker, { type: "listen" }>): Promise<void> {
    const { tell, nextDescriptor } = this.#parts;
    try {
      const fd = await nextDescriptor();
      const traffic = this.#services.get(service);
      if (traffic === undefined) throw new Error(`the routing table has no service ${service}`);
      this.#unlisten(listener);
      const open = openListener(listener, { kind: "fd", fd }, traffic, new TrustedNetworks(trusted));
      this.#listeners.set(listener, { service, open });
      tell({ type: "listening", listener, failure: undefined });
    } catch (error) {
      tell({ type: "listening", listener, failure: String(error) });
    }
  }

  #unlisten(listener: string): void {
    this.#listeners.get(listener)?.open.close();
    this.#listeners.delete(listener);
  }

  #endSessions(service: string | undefined, listener: string | undefined): void {
    for (const [session, traffic] of this.#sessions()) {
      const isMeant =
        (service ?? traffic.name) === traffic.name && (listener ?? session.listener) === session.listener;
      if (isMeant) session.end();
    }
  }

  #sessions(): readonly (readonly [Session, ServiceTraffic])[] {
    return [...this.#services.values()].flatMap((traffic) =>
      [...traffic.sessions].map((session) => [session, traffic] as const),
    );
  }

  #sessionLines(): readonly SessionLine[] {
    const now = this.#parts.timers.now();
    return this.#sessions().map(([session, { name }]) => ({
      id: session.id,
      service: name,
      listener: session.listener,
      user: session.user,
      remote: session.remote,
      connectedAt: session.connectedAt,
      idleMs: session.idleMs(now),
      state: session.phase,
      server: session.server,
      connectionId: session.connectionId,
      bufferedBytes: session.bufferedBytes,
    }));
  }

  #exitWhenDone(): void {
    if (this.#hasNoSession()) this.#parts.exit();
  }

  #hasNoSession(): boolean {
    return [...this.#services.values()].every(({ sessions }) => sessions.size === 0);
  }
}

function serviceCounters(traffic: ServiceTraffic): ServiceCounters {
  const { total, most, refused, retried } = traffic.counters;
  let { bytesIn, bytesOut, reads } = traffic.counters;
  for (const session of traffic.sessions) {
    bytesIn += session.bytesIn;
    bytesOut += session.bytesOut;
    reads += session.reads;
  }
  const servers = [...traffic.uses].map(([name, use]) => [
    name,
    { current: use.sessions.size, total: use.total },
  ]);
  const current = traffic.sessions.size;
  return {
    current,
    total,
    most,
    refused,
    retried,
    waiting: traffic.waiting,
    bytesIn,
    bytesOut,
    reads,
    servers: Object.fromEntries(servers),
  };
}
