import type { ServiceRoute } from "../../topology/routing-table.ts";
import type { Balancer } from "../balance/balancer.ts";
import { createBalancer } from "../balance/create-balancer.ts";
import type { LegSocket } from "./leg.ts";
import { ServerUse } from "./server-use.ts";
import { noPlace, noServer, Session, type SessionHost } from "./session.ts";
import { type Tally, takePlace } from "./tally.ts";
import type { Timers } from "./timers.ts";
import { WaitingLine } from "./waiting-line.ts";

export interface TrafficParts {
  readonly timers: Timers;
  /** The sessions of the service over all workers. */
  readonly serviceTally: Tally;
  tallyOf(server: string): Tally;
  nextId(): number;
  /** A server could not be reached; `reason` is one clause. */
  onFailure(server: string, reason: string): void;
}

/** Plain fields, read from outside. */
export interface TrafficCounters {
  /** Sessions that got a server. */
  total: number;
  /** The most at one moment, here. */
  most: number;
  /** Turned away: no server, or no place. */
  refused: number;
  /** Had to wait for a place. */
  waited: number;
  /** Servers that could not be reached, so that the next was tried. */
  retried: number;
  /** Carried by sessions that have ended: bytes from and to clients, and reads. */
  bytesIn: number;
  bytesOut: number;
  reads: number;
}

// Places are freed by other workers, too, which tell nobody.
const LOOK_AGAIN_MS = 20;

type Choice = ServerUse | "no server" | "no place";

/** The sessions of one service in this process: lets them in, gives each a server, and ends them when the routing table says so. */
export class ServiceTraffic implements SessionHost {
  readonly timers: Timers;
  readonly counters: TrafficCounters = {
    total: 0,
    most: 0,
    refused: 0,
    waited: 0,
    retried: 0,
    bytesIn: 0,
    bytesOut: 0,
    reads: 0,
  };
  readonly #parts: TrafficParts;
  readonly #sessions = new Set<Session>();
  readonly #placed = new Set<Session>();
  /** Every server there ever was: their totals are told as long as this process lives. */
  readonly #uses = new Map<string, ServerUse>();
  readonly #line = new WaitingLine();
  #route: ServiceRoute;
  #balancer: Balancer;
  /** The targets of the route. */
  #targets: readonly ServerUse[] = [];
  #isLookingAgain = false;

  constructor(route: ServiceRoute, parts: TrafficParts) {
    this.#parts = parts;
    this.timers = parts.timers;
    this.#route = route;
    this.#balancer = createBalancer(route.balance, () => parts.timers.random());
    this.put(route);
  }

  get name(): string {
    return this.#route.name;
  }

  get sessions(): ReadonlySet<Session> {
    return this.#sessions;
  }

  get uses(): ReadonlyMap<string, ServerUse> {
    return this.#uses;
  }

  get waiting(): number {
    return this.#line.length;
  }

  /** From here on this is the route. */
  put(route: ServiceRoute): void {
    if (route.balance !== this.#route.balance)
      this.#balancer = createBalancer(route.balance, () => this.timers.random());
    this.#route = route;
    this.#targets = route.targets.map((target) => {
      const use = this.#uses.get(target.server) ?? new ServerUse(target, this.#parts.tallyOf(target.server));
      use.target = target;
      this.#uses.set(target.server, use);
      return use;
    });
    for (const { server, reason } of route.closing) this.leaveServer(server, `it ${reason}`);
    this.#callNext();
  }

  accept(socket: LegSocket, listener: string, isTrusted: boolean): void {
    const session = new Session(this.#parts.nextId(), listener, socket, this, this.timers.now());
    this.#sessions.add(session);
    session.begin(isTrusted);
  }

  /** A session that is ready for a server gets one, waits, or is told why not. */
  admit(session: Session): void {
    if (this.#line.length > 0) {
      this.#wait(session);
      return;
    }
    const choice = this.#placeAndChoose(session);
    if (choice === "no server") this.#refuse(session);
    else if (choice === "no place") this.#wait(session);
    else this.#start(session, choice);
  }

  /** The same for a session whose server failed: on another one. */
  admitAgain(session: Session, tried: ReadonlySet<string>): void {
    const choice = this.#choose(session, tried);
    if (typeof choice === "object") session.connect(choice, this.#route.limits.connectTimeoutMs);
    else this.#refuse(session, "none of its servers could be reached");
  }

  failed(session: Session, use: ServerUse, reason: string): void {
    use.release(session);
    this.counters.retried++;
    this.#parts.onFailure(use.server, reason);
  }

  waitedLongEnough(session: Session): void {
    this.#callNext();
    if (!this.#line.has(session)) return;
    this.#line.leave(session);
    this.counters.refused++;
    session.refuse(noPlace());
  }

  gone(session: Session, use: ServerUse | undefined): void {
    this.#sessions.delete(session);
    this.counters.bytesIn += session.bytesIn;
    this.counters.bytesOut += session.bytesOut;
    this.counters.reads += session.reads;
    this.#line.leave(session);
    use?.release(session);
    if (this.#placed.delete(session)) this.#parts.serviceTally.add(-1);
    this.#callNext();
  }

  sweep(now: number): void {
    const { idleTimeoutMs, writeTimeoutMs } = this.#route.limits;
    for (const session of this.#sessions) session.sweep(now, idleTimeoutMs, writeTimeoutMs);
  }

  /** A server is the service's no longer: its sessions go to another one, or end. */
  leaveServer(server: string, reason: string): void {
    for (const session of [...(this.#uses.get(server)?.sessions ?? [])]) session.leaveServer(reason);
  }

  endAll(): void {
    for (const session of this.#sessions) session.end();
  }

  #placeAndChoose(session: Session): Choice {
    if (this.#targets.length === 0) return "no server";
    const { serviceTally } = this.#parts;
    if (!takePlace(serviceTally, this.#route.limits.maxConnections)) return "no place";
    const choice = this.#choose(session, NONE);
    if (typeof choice === "object") this.#placed.add(session);
    else serviceTally.add(-1);
    return choice;
  }

  #choose(session: Session, tried: ReadonlySet<string>): Choice {
    const possible =
      tried.size === 0 ? this.#targets : this.#targets.filter(({ server }) => !tried.has(server));
    if (possible.length === 0) return "no server";
    const candidates = possible.every(({ hasRoom }) => hasRoom)
      ? possible
      : possible.filter(({ hasRoom }) => hasRoom);
    // Only one policy looks at the address, and asking for it costs a system call.
    const use = this.#balancer.pick(candidates, this.#route.balance === "source" ? session.remote : "");
    return use?.take(session) === true ? use : "no place";
  }

  #start(session: Session, use: ServerUse): void {
    this.counters.total++;
    this.counters.most = Math.max(this.counters.most, this.#placed.size);
    session.connect(use, this.#route.limits.connectTimeoutMs);
  }

  #refuse(session: Session, otherwise?: string): void {
    this.counters.refused++;
    const { refusal, targets } = this.#route;
    const sentence =
      targets.length === 0 || otherwise === undefined ? refusal : `service ${this.name}: ${otherwise}`;
    session.refuse(noServer(sentence));
  }

  #wait(session: Session): void {
    const { queueTimeoutMs } = this.#route.limits;
    if (queueTimeoutMs === 0 || !this.#line.join(session)) {
      this.counters.refused++;
      session.refuse(noPlace());
      return;
    }
    this.counters.waited++;
    session.wait(queueTimeoutMs);
    this.#lookAgain();
  }

  /** Lets in whoever has waited longest, as far as there are places. */
  #callNext(): void {
    for (let session = this.#line.first; session !== undefined; session = this.#line.first) {
      const choice = this.#placeAndChoose(session);
      if (choice === "no place") break;
      this.#line.leave(session);
      if (choice === "no server") this.#refuse(session);
      else this.#start(session, choice);
    }
    this.#lookAgain();
  }

  #lookAgain(): void {
    if (this.#isLookingAgain || this.#line.length === 0) return;
    this.#isLookingAgain = true;
    this.timers.after(LOOK_AGAIN_MS, () => {
      this.#isLookingAgain = false;
      this.#callNext();
    });
  }
}

const NONE: ReadonlySet<string> = new Set();
