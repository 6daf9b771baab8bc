/**
 * agent-check/: HAProxy asks, on a port of its own, in one line or none; one line answers and the connection ends.
 *
 *   "db1\n" ─▶ AgentConversation ─▶ agentLine(verdict) ─▶ "up ready 100%\n" | "drain\n" | "maint\n" | "down #why\n"
 *
 * May import tcp/ beside it, and what publish/ may.
 */
import type { Clock } from "../../telemetry/clock.ts";
import type { Log } from "../../telemetry/log.ts";
import type { FleetView } from "../../topology/fleet.ts";
import { PublishedServers, type ServerSelection } from "../published-servers.ts";
import type { CloseReason, Publisher } from "../publisher.ts";
import { AllowList } from "../tcp/allow-list.ts";
import type { ListenAddress } from "../tcp/listen.ts";
import { type PeerCounters, PeerServer } from "../tcp/peer-server.ts";
import { AgentConversation } from "./agent-conversation.ts";
import type { WeightByLag } from "./agent-line.ts";

export interface AgentCheckOptions {
  readonly name: string;
  readonly listen: ListenAddress;
  /** The servers it speaks of; with several, HAProxy's agent-send names one. */
  readonly servers: ServerSelection;
  readonly weightByLag: WeightByLag | undefined;
  readonly maxConnections: number;
  /** Addresses and networks; undefined: everybody. Others are closed without an answer. */
  readonly onlyFrom: readonly string[] | undefined;
}

export const AGENT_CHECK_DEFAULTS = {
  weightByLag: undefined,
  maxConnections: 1000,
  onlyFrom: undefined,
} as const satisfies Partial<AgentCheckOptions>;

/** How long a line that names a server is waited for, where several are published. */
const LINE_MS = 500;
const ANSWER_MS = 5000;
const LINGER_MS = 2000;

/** Publisher `agent-check`: HAProxy's agent protocol, one line per connection. */
export class AgentCheckPublisher implements Publisher {
  readonly module = "agent-check";
  readonly name: string;
  readonly #listen: ListenAddress;
  readonly #peers: PeerServer;
  readonly #log: Log;

  /** @throws SluiceError CONFIG_INVALID: only_from is wrong */
  constructor(options: AgentCheckOptions, fleet: FleetView, clock: Clock, log: Log) {
    this.name = options.name;
    this.#listen = options.listen;
    this.#log = log;
    const { weightByLag, maxConnections, onlyFrom } = options;
    const servers = new PublishedServers(fleet, options.servers);
    this.#peers = new PeerServer({
      converse: (peer) => new AgentConversation(peer, { servers, weightByLag, clock }),
      phaseMs: {
        handshake: ANSWER_MS,
        silent: LINE_MS,
        request: LINE_MS,
        answering: ANSWER_MS,
        idle: ANSWER_MS,
        linger: LINGER_MS,
      },
      maxConnections,
      onlyFrom: onlyFrom && new AllowList(onlyFrom),
      tls: undefined,
      clock,
      log,
    });
  }

  /** Plain numbers since the start. */
  get counters(): Readonly<PeerCounters> {
    return this.#peers.counters;
  }

  /** The port it listens on, once started. */
  get port(): number | undefined {
    return this.#peers.port;
  }

  async start(): Promise<void> {
    const address = await this.#peers.listen(this.#listen);
    this.#log.info({ event: "listening", address }, "answers agent checks");
  }

  close(reason?: CloseReason): Promise<void> {
    return this.#peers.close(reason);
  }
}
