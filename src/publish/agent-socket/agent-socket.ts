/**
 * agent-socket/: how the commands of this host reach the running agent, over HTTP on two unix sockets.
 *
 *   agent.sock    0666  everything of the health port, GET /explain?server=, POST /hint
 *   control.sock  0660  all that, and POST /maintenance
 *
 * What is asked to be done is handed in as functions (AgentActions). May import http/ and tcp/ beside it.
 */
import type { Clock } from "../../telemetry/clock.ts";
import type { Log } from "../../telemetry/log.ts";
import type { FleetView } from "../../topology/fleet.ts";
import { createHealthHandler } from "../http/health-handler.ts";
import type { HttpHandler } from "../http/http-handler.ts";
import { HTTP_DEFAULTS } from "../http/http-publisher.ts";
import { createHttpServer } from "../http/http-server.ts";
import { PublishedServers } from "../published-servers.ts";
import type { CloseReason, Publisher } from "../publisher.ts";
import type { PeerServer } from "../tcp/peer-server.ts";
import type { UnixSocketPlace } from "../tcp/unix-socket.ts";
import { type AgentActions, createControlHandler, createPublicHandler } from "./agent-handlers.ts";

export interface AgentSocketOptions {
  /** agent.sock: everybody on the host may ask and hint. */
  readonly publicPath: string;
  /** control.sock: owner and group may put servers into maintenance. */
  readonly controlPath: string;
  /** Group of control.sock; undefined: the process's. */
  readonly controlGid: number | undefined;
  readonly actions: AgentActions;
  readonly metrics: (() => string | Promise<string>) | undefined;
}

/** The agent's own unix sockets, for the commands of this host; the same HTTP as on the health port. */
export class AgentSocket implements Publisher {
  readonly module = "agent-socket";
  readonly name = "agent-socket";
  readonly #sockets: readonly { readonly peers: PeerServer; readonly place: UnixSocketPlace }[];
  readonly #log: Log;
  #removals: (() => void)[] = [];

  constructor(options: AgentSocketOptions, fleet: FleetView, clock: Clock, log: Log) {
    this.#log = log;
    const { actions, metrics, publicPath, controlPath, controlGid } = options;
    const servers = new PublishedServers(fleet, "all");
    const { body, drainStatus, silentAnswerMs, requestMs, maxConnections } = HTTP_DEFAULTS;
    const health = createHealthHandler({
      fleet,
      servers: "all",
      body,
      drainStatus,
      metrics,
      credentials: undefined,
      clock,
    });
    const open = (handler: HttpHandler): PeerServer =>
      createHttpServer({
        handler,
        silentAnswerMs,
        requestMs,
        maxConnections,
        onlyFrom: undefined,
        tls: undefined,
        clock,
        log,
      }).peers;
    const publicHandler = createPublicHandler(health, servers, actions);
    const controlHandler = createControlHandler(publicHandler, servers, actions);
    this.#sockets = [
      { peers: open(publicHandler), place: { path: publicPath, mode: 0o666, gid: undefined } },
      { peers: open(controlHandler), place: { path: controlPath, mode: 0o660, gid: controlGid } },
    ];
  }

  async start(): Promise<void> {
    try {
      for (const { peers, place } of this.#sockets) {
        this.#removals.push(await peers.listenUnix(place));
        this.#log.info({ event: "listening", address: place.path }, "answers this host's commands");
      }
    } catch (error) {
      await this.close();
      throw error;
    }
  }

  async close(reason?: CloseReason): Promise<void> {
    if (reason !== "succession") for (const remove of this.#removals) remove();
    this.#removals = [];
    await Promise.all(this.#sockets.map(({ peers }) => peers.close(reason)));
  }
}
