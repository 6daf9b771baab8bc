/**
 * publish/: the ways of telling what the fleet's verdicts are. Each publisher reads the fleet snapshot and never asks a
 * server itself. May import verdict/, telemetry/, topology/ and errors/; knows no configuration: options come in plain.
 *
 *   fleet snapshot ──┬─▶ http/            200 or 503, for balancers; /status and /metrics for people and monitoring
 *                    ├─▶ agent-check      one line for HAProxy
 *                    ├─▶ port-gate/       a port that is open while the server is healthy
 *                    ├─▶ haproxy-socket/  orders to HAProxy's runtime socket
 *                    ├─▶ track-file/      a number for keepalived
 *                    ├─▶ notify/          active or passive, to REST APIs
 *                    └─▶ agent-socket     unix sockets for the command line on this host
 *   (tcp/ holds what the others do with a connection)
 */
export interface Publisher {
  /** The section's name in the configuration. */
  readonly name: string;
  readonly module:
    | "http"
    | "agent-check"
    | "agent-socket"
    | "port-gate"
    | "haproxy-socket"
    | "track-file"
    | "notify";
  /** It changes the firewall, also after privileges were given up. */
  readonly needsNetAdmin?: boolean;
  /** What a port gate has done; undefined: this is none. */
  readonly gate?: GateStatus;
  /**
   * Begins to tell.
   * @throws SluiceError ADDRESS_IN_USE and others that say why it cannot
   */
  start(): Promise<void>;
  /** Reads files such as certificates again; what is in use stays where one is wrong. @throws SluiceError CONFIG_INVALID */
  reload?(): void;
  /** Stops telling and gives back ports and files, within a second whatever the clients do. */
  close(reason?: CloseReason): Promise<void>;
}

/**
 * The program ends; or this object of its configuration is changed or gone; or a successor goes on in this very process, at once: then
 * what has been told stays told, and whoever is being answered gets the answer.
 */
export type CloseReason = "exit" | "changed" | "succession";

/** A port gate now, and what it has counted since the start. */
export interface GateStatus {
  readonly isOpen: boolean;
  readonly opened: number;
  readonly closed: number;
  /** How often others had changed its rules. */
  readonly repaired: number;
  readonly failed: number;
  /** Connections ended. */
  readonly cut: number;
}
