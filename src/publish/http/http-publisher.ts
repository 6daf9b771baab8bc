/**
 * http/: health endpoints for balancers; status, metrics and probes of the agent itself for the rest.
 *
 *   bytes ─▶ RequestParser ─▶ HttpConnection ─▶ health handler ──┬─▶ VerdictResponses (rendered once per snapshot and target)
 *   bytes ◀──────────────────────┘   ◀── HttpResponse ◀──────────┴─▶ /status, /metrics, /liveness, /readiness
 *
 * May import tcp/ beside it, and what publish/ may.
 */
import type { Clock } from "../../telemetry/clock.ts";
import type { Log } from "../../telemetry/log.ts";
import type { FleetView } from "../../topology/fleet.ts";
import type { ServerSelection } from "../published-servers.ts";
import type { CloseReason, Publisher } from "../publisher.ts";
import { AllowList } from "../tcp/allow-list.ts";
import type { ListenAddress } from "../tcp/listen.ts";
import type { Phase } from "../tcp/peer.ts";
import type { PeerCounters, PeerServer } from "../tcp/peer-server.ts";
import { ServerTls, type ServerTlsFiles } from "../tcp/server-tls.ts";
import type { BodyFlavour, DrainStatus } from "./bodies.ts";
import { Credentials, type CredentialsOptions } from "./credentials.ts";
import { createHealthHandler } from "./health-handler.ts";
import type { HttpCounters } from "./http-connection.ts";
import { createHttpServer } from "./http-server.ts";

export interface HttpPublisherOptions {
  readonly name: string;
  readonly listen: ListenAddress;
  /** The servers it speaks of; with several, a request names one: `/primary?server=db1`. */
  readonly servers: ServerSelection;
  readonly body: BodyFlavour;
  readonly drainStatus: DrainStatus;
  /**
   * A client that says nothing for this long is answered as if it had asked for `/` (telnet, nc, xinetd-style checks); 200
   * by default, undefined: never. Where a lossy network may delay a request by more, and balancers ask by role, do without.
   */
  readonly silentAnswerMs: number | undefined;
  /** Deadline for a request to be complete. */
  readonly requestMs: number;
  readonly maxConnections: number;
  /** Addresses and networks; undefined: everybody. Others are closed without an answer. */
  readonly onlyFrom: readonly string[] | undefined;
  readonly tls: ServerTlsFiles | undefined;
  readonly credentials: CredentialsOptions | undefined;
  readonly metrics: (() => string | Promise<string>) | undefined;
}

export const HTTP_DEFAULTS = {
  listen: { kind: "tcp", host: "::", port: 9200 },
  body: "sluice",
  drainStatus: 503,
  silentAnswerMs: 200,
  requestMs: 5000,
  maxConnections: 1000,
  onlyFrom: undefined,
  tls: undefined,
  credentials: undefined,
  metrics: undefined,
} as const satisfies Partial<HttpPublisherOptions>;

/** Publisher `http`: health endpoints for balancers, status and metrics for the rest. */
export class HttpPublisher implements Publisher {
  readonly module = "http";
  readonly name: string;
  readonly #listen: ListenAddress;
  readonly #tls: ServerTls | undefined;
  readonly #peers: PeerServer;
  readonly #counters: HttpCounters;
  readonly #log: Log;

  /** @throws SluiceError CONFIG_INVALID: only_from or the certificate is wrong */
  constructor(options: HttpPublisherOptions, fleet: FleetView, clock: Clock, log: Log) {
    this.name = options.name;
    this.#listen = options.listen;
    this.#log = log;
    this.#tls = options.tls && new ServerTls(options.tls);
    const credentials = options.credentials && new Credentials(options.credentials);
    const { peers, counters } = createHttpServer({
      handler: createHealthHandler({ ...options, credentials, fleet, clock }),
      silentAnswerMs: options.silentAnswerMs,
      requestMs: options.requestMs,
      maxConnections: options.maxConnections,
      onlyFrom: options.onlyFrom && new AllowList(options.onlyFrom),
      tls: this.#tls,
      clock,
      log,
    });
    this.#peers = peers;
    this.#counters = counters;
  }

  /** Plain numbers since the start. */
  get counters(): Readonly<PeerCounters & HttpCounters> {
    return { ...this.#peers.counters, ...this.#counters };
  }

  /** How many clients are in each phase now. */
  get phases(): Readonly<Record<Phase, number>> {
    return this.#peers.phases;
  }

  /** The port it listens on, once started: the one asked for, or the one the system chose for 0. */
  get port(): number | undefined {
    return this.#peers.port;
  }

  async start(): Promise<void> {
    const address = await this.#peers.listen(this.#listen);
    this.#log.info({ event: "listening", address }, "answers health checks");
  }

  close(reason?: CloseReason): Promise<void> {
    return this.#peers.close(reason);
  }

  /**
   * Reads certificate and key again, for clients that come after that.
   * @throws SluiceError CONFIG_INVALID; the certificate in use stays
   */
  reload(): void {
    this.#tls?.reload();
  }
}
