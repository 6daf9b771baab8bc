import { afterPoll } from "../../system/after-poll.ts";
import {
  CANNOT_CONNECT,
  errorBeforeGreeting,
  TOO_MANY_CONNECTIONS,
  type WireError,
} from "../../wire/error-packet.ts";
import { connectionIdOf, userOf } from "../../wire/first-packets.ts";
import { plainAddress } from "../../wire/ip-address.ts";
import { type Peer, readProxyHeader, writeProxyHeader } from "../../wire/proxy-header.ts";
import { dial } from "./dial.ts";
import { Leg, type LegOwner, type LegSocket } from "./leg.ts";
import type { ServerUse } from "./server-use.ts";
import type { Timers } from "./timers.ts";

/**
 * The life of one client's connection.
 *
 *   header ─▶ waiting ─▶ dialling ─▶ greeting ─▶ passing ─▶ (closed)
 *                │           ▲           │
 *                │           └───────────┘ the server could not be reached, or said nothing: the next one
 *                └─ no server, no room ─▶ leaving
 *
 * header    from a trusted network: it may begin with a header of the PROXY protocol
 * waiting   for a place, because of max_connections
 * greeting  connected; nothing has passed yet, so another server would still do
 * leaving   has been told an error, and may take its time to read it
 */
type Phase = "header" | "waiting" | "dialling" | "greeting" | "passing" | "leaving" | "closed";

/** Who has servers and places to give: the service. */
export interface SessionHost {
  readonly timers: Timers;
  /** Gives the session a server, lets it wait, or refuses it. */
  admit(session: Session): void;
  /** The same after a server failed; those in `tried` are out. */
  admitAgain(session: Session, tried: ReadonlySet<string>): void;
  failed(session: Session, use: ServerUse, reason: string): void;
  /** Its time is over: it gets a place now, or never. */
  waitedLongEnough(session: Session): void;
  gone(session: Session, use: ServerUse | undefined): void;
}

/** A trusted client that has no header to send waits this long for the server's greeting. */
const HEADER_WAIT_MS = 1000;
/** More than any client says before it is spoken to. */
const MAX_EARLY_BYTES = 1 << 20;
/** How long a client may take over an error, or to close after its server has; ms. */
const LEAVE_MS = 2000;
const LINGER_MS = 10_000;

const EMPTY = Buffer.alloc(0);

export class Session implements LegOwner {
  isActive = true;
  readonly id: number;
  readonly listener: string;
  readonly connectedAt: number;
  readonly #host: SessionHost;
  readonly #client: Leg;
  /** As the client's PROXY header says. */
  #source: Peer | undefined;
  #backend: Leg | undefined;
  #use: ServerUse | undefined;
  #phase: Phase = "waiting";
  #early: Buffer = EMPTY;
  readonly #tried = new Set<string>();
  #cancel: () => void = () => {};
  #idleSince: number;
  #endsAt = Number.POSITIVE_INFINITY;
  #user = "";
  #connectionId: number | undefined;
  #isYoung = true;

  constructor(id: number, listener: string, socket: LegSocket, host: SessionHost, now: number) {
    this.id = id;
    this.listener = listener;
    this.#host = host;
    this.connectedAt = now;
    this.#idleSince = now;
    this.#client = new Leg(this, socket);
  }

  get phase(): Phase {
    return this.#phase;
  }

  /** The client's address; `unix` for a client of a unix socket. A system call: not for every session. */
  get remote(): string {
    return this.#source?.address ?? plainAddress(this.#peerAddress ?? "unix");
  }

  get server(): string | undefined {
    return this.#use?.server;
  }

  get user(): string {
    return this.#user;
  }

  get connectionId(): number | undefined {
    return this.#connectionId;
  }

  get bytesIn(): number {
    return this.#client.received;
  }

  get bytesOut(): number {
    return this.#backend?.received ?? 0;
  }

  /** Reads from both sides. */
  get reads(): number {
    return this.#client.reads + (this.#backend?.reads ?? 0);
  }

  get bufferedBytes(): number {
    return this.#early.length + (this.#client.pending?.length ?? 0) + (this.#backend?.pending?.length ?? 0);
  }

  idleMs(now: number): number {
    return this.isActive ? 0 : now - this.#idleSince;
  }

  begin(isTrusted: boolean): void {
    if (!isTrusted) {
      this.#host.admit(this);
      return;
    }
    this.#phase = "header";
    this.#cancel = this.#host.timers.after(HEADER_WAIT_MS, () => this.#headerRead(0));
  }

  /** All places are taken: waits for one. */
  wait(deadlineMs: number): void {
    this.#phase = "waiting";
    this.#cancel();
    this.#cancel = this.#host.timers.after(deadlineMs, () =>
      // Where this process was held up, the end of another session may lie unread.
      afterPoll(() => {
        if (this.#phase === "waiting") this.#host.waitedLongEnough(this);
      }),
    );
  }

  /** Goes to a server that has a place for it. */
  connect(use: ServerUse, connectTimeoutMs: number): void {
    this.#cancel();
    this.#phase = "dialling";
    this.#use = use;
    this.#tried.add(use.server);
    this.#cancel = dial(use.target, connectTimeoutMs, this.#host.timers, {
      opened: (socket) => this.#opened(socket, connectTimeoutMs),
      failed: (reason) => this.#tryNext(reason),
    });
  }

  /** Tells the client why not, and lets it close first: a socket closed with unread bytes would lose it the sentence. */
  refuse(error: WireError): void {
    this.#leave();
    this.#client.send(errorBeforeGreeting(error));
    this.#client.finish();
  }

  /** Its server is to be left: nothing has passed yet, so another one will do; else it ends. */
  leaveServer(reason: string): void {
    if (this.#phase === "dialling" || this.#phase === "greeting") this.#tryNext(reason);
    else this.end();
  }

  /** Ends it at once. */
  end(): void {
    if (this.#phase === "closed") return;
    this.#cancel();
    this.#client.destroy();
    this.#backend?.destroy();
  }

  /** Once a second: time limits; and watching over its server's side, which short sessions need not pay for. */
  sweep(now: number, idleTimeoutMs: number, writeTimeoutMs: number): void {
    if (this.#isYoung && this.#phase === "passing") {
      this.#isYoung = false;
      this.#backend?.keepAlive();
    }
    if (this.isActive) {
      this.isActive = false;
      this.#idleSince = now;
      return;
    }
    const idleMs = now - this.#idleSince;
    const isStuck = writeTimeoutMs > 0 && idleMs >= writeTimeoutMs && this.#client.pending !== undefined;
    if (now >= this.#endsAt || isStuck || (idleTimeoutMs > 0 && idleMs >= idleTimeoutMs)) this.end();
  }

  early(leg: Leg, chunk: Buffer): void {
    if (this.#phase === "leaving" || leg !== this.#client) return;
    this.#early = this.#early.length === 0 ? chunk : Buffer.concat([this.#early, chunk]);
    if (this.#early.length > MAX_EARLY_BYTES) this.end();
    else if (this.#phase === "header") this.#readHeader();
    else leg.socket.pause();
  }

  first(leg: Leg, chunk: Buffer): void {
    if (leg === this.#client && this.#isForged(chunk)) {
      this.end();
      return;
    }
    if (leg === this.#client) this.#user = userOf(chunk) ?? "";
    else this.#connectionId = connectionIdOf(chunk);
    if (this.#phase === "greeting") this.#pass();
  }

  ended(leg: Leg): void {
    const { peer } = leg;
    if (peer === undefined) {
      // A client that leaves before it was served; HAProxy's TCP check is one.
      this.end();
    } else if (leg === this.#backend && this.#mayMove) {
      this.#tryNext("it closed the connection before it said anything");
    } else if (peer.hasEnded) {
      leg.close();
      peer.close();
    } else {
      peer.finish();
      if (leg === this.#backend) this.#endsAt = this.#host.timers.now() + LINGER_MS;
    }
  }

  closed(leg: Leg): void {
    if (leg === this.#backend && this.#mayMove) {
      this.#tryNext("it closed the connection before it said anything");
      return;
    }
    if (leg !== this.#client && leg !== this.#backend) return; // of a server that was tried before
    this.#endsAt = this.#host.timers.now() + LINGER_MS;
    leg.peer?.close();
    if (!this.#client.isClosed || this.#backend?.isClosed === false) return;
    this.#cancel();
    this.#phase = "closed";
    this.#host.gone(this, this.#use);
    this.#use = undefined;
  }

  /** Nothing has passed yet, and there is still a client: a server closes on one that has left, and that is no failure of it. */
  get #mayMove(): boolean {
    return this.#phase === "greeting" && !this.#client.hasEnded && !this.#client.isClosed;
  }

  #readHeader(): void {
    const reading = readProxyHeader(this.#early);
    switch (reading.kind) {
      case "incomplete":
        return;
      case "broken":
        this.end();
        return;
      case "none":
        this.#headerRead(0);
        return;
      case "header":
        this.#source = reading.source;
        this.#headerRead(reading.bytes);
    }
  }

  #headerRead(bytes: number): void {
    this.#cancel();
    this.#early = this.#early.subarray(bytes);
    this.#phase = "waiting";
    this.#host.admit(this);
  }

  #opened(socket: LegSocket, connectTimeoutMs: number): void {
    const backend = new Leg(this, socket);
    this.#backend = backend;
    this.#phase = "greeting";
    backend.peer = this.#client;
    this.#client.peer = backend;
    const version = this.#use?.target.proxyProtocol ?? "off";
    if (version !== "off") backend.send(writeProxyHeader(version, this.#route()));
    // A server that hangs still accepts connections; only its greeting shows that it lives.
    this.#cancel = this.#host.timers.after(connectTimeoutMs, () =>
      this.#tryNext(`it accepted the connection and said nothing for ${connectTimeoutMs} ms`),
    );
    this.#sendEarly(backend);
  }

  #sendEarly(backend: Leg): void {
    const early = this.#early;
    this.#early = EMPTY;
    if (early.length > 0) {
      this.first(this.#client, early);
      this.#client.received += early.length;
      this.#client.reads++;
      if (!backend.send(early)) return; // drain() resumes the client
    }
    this.#client.socket.resume();
  }

  /** Who has connected, and where to, as the server is told. */
  #route(): { source: Peer; destination: Peer } | undefined {
    const { socket } = this.#client;
    const address = this.#peerAddress;
    if (address === undefined) return undefined;
    return {
      source: this.#source ?? { address: plainAddress(address), port: socket.remotePort },
      destination: { address: plainAddress(socket.localAddress), port: socket.localPort },
    };
  }

  /** A unix socket has none, whatever the types say. */
  get #peerAddress(): string | undefined {
    return this.#client.socket.remoteAddress as string | undefined;
  }

  /**
   * The server has been told who the client is, and the client tells it something else: MariaDB believes a second header, whoever it
   * is from. Bytes that may only become one are taken for it; no login is so short.
   */
  #isForged(chunk: Buffer): boolean {
    const isTold = (this.#use?.target.proxyProtocol ?? "off") !== "off";
    return isTold && readProxyHeader(chunk).kind !== "none";
  }

  #pass(): void {
    this.#cancel();
    this.#phase = "passing";
  }

  #tryNext(reason: string): void {
    this.#cancel();
    const failed = this.#use;
    const backend = this.#backend;
    this.#backend = undefined;
    this.#client.peer = undefined;
    this.#use = undefined;
    if (backend !== undefined) {
      backend.peer = undefined;
      backend.destroy();
    }
    this.#phase = "dialling";
    if (failed !== undefined) this.#host.failed(this, failed, reason);
    if (this.#client.isClosed) this.closed(this.#client);
    else if (this.#client.hasEnded) this.end();
    else this.#host.admitAgain(this, this.#tried);
  }

  #leave(): void {
    this.#cancel();
    this.#phase = "leaving";
    this.#endsAt = this.#host.timers.now() + LEAVE_MS;
    this.isActive = false;
    this.#client.socket.resume();
  }
}

export const noServer = (sentence: string): WireError => ({ errno: CANNOT_CONNECT, sentence });
export const noPlace = (): WireError => ({ errno: TOO_MANY_CONNECTIONS, sentence: "Too many connections" });
