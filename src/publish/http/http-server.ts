import type { Clock } from "../../telemetry/clock.ts";
import type { Log } from "../../telemetry/log.ts";
import type { AllowList } from "../tcp/allow-list.ts";
import { PeerServer } from "../tcp/peer-server.ts";
import type { ServerTls } from "../tcp/server-tls.ts";
import { HttpConnection, type HttpCounters } from "./http-connection.ts";
import type { HttpHandler } from "./http-handler.ts";

export interface HttpServerOptions {
  readonly handler: HttpHandler;
  /** A client that says nothing for this long is answered as if it had asked for `/`; undefined: it is not. */
  readonly silentAnswerMs: number | undefined;
  /** A request must be complete, and an answer taken, within this; so must a TLS handshake. */
  readonly requestMs: number;
  readonly maxConnections: number;
  readonly onlyFrom: AllowList | undefined;
  readonly tls: ServerTls | undefined;
  readonly clock: Clock;
  readonly log: Log;
}

const IDLE_MS = 60_000;
const LINGER_MS = 2000;

/**
 * An HTTP responder of our own instead of node:http, for the sake of its rules: an answer to a client that says nothing, an
 * answer in any case to what balancers send, and never a reset for a client that may still be reading.
 */
export function createHttpServer(options: HttpServerOptions): { peers: PeerServer; counters: HttpCounters } {
  const { handler, silentAnswerMs, requestMs, log } = options;
  const counters: HttpCounters = { requests: 0, malformed: 0 };
  const connectionOptions = {
    handler,
    answersSilence: silentAnswerMs !== undefined,
    isClosing: () => peers.isClosing,
    counters,
    log,
  };
  const peers: PeerServer = new PeerServer({
    ...options,
    converse: (peer) => new HttpConnection(peer, connectionOptions),
    phaseMs: {
      handshake: requestMs,
      silent: silentAnswerMs ?? requestMs,
      request: requestMs,
      answering: requestMs,
      idle: IDLE_MS,
      linger: LINGER_MS,
    },
  });
  return { peers, counters };
}
