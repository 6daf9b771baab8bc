/**
 * publish/: the ways of telling what the fleet's verdicts are. Each publisher reads the fleet snapshot and never asks a
 * server itself. May import verdict/, telemetry/, topology/ and errors/; knows no configuration: options come in plain.
 *
 *   fleet snapshot ──┬─▶ http/            200 or 503, for balancers; /status and /metrics for people and monitoring
 *                    ├─▶ agent-check      one line for HAProxy
 *                    ├─▶ haproxy-socket/  orders to HAProxy's runtime socket
 *                    ├─▶ track-file/      a number for keepalived
 *                    ├─▶ notify/          active or passive, to REST APIs
 *                    └─▶ agent-socket     unix sockets for the command line on this host
 *   (tcp/ holds what all three do with a connection)
 */
export interface Publisher {
  /** The section's name in the configuration. */
  readonly name: string;
  readonly module: "http" | "agent-check" | "agent-socket" | "haproxy-socket" | "track-file" | "notify";
  /**
   * Begins to tell.
   * @throws SluiceError ADDRESS_IN_USE and others that say why it cannot
   */
  start(): Promise<void>;
  /** Reads files such as certificates again; what is in use stays where one is wrong. @throws SluiceError CONFIG_INVALID */
  reload?(): void;
  /** Stops telling and gives back ports and files, within a second whatever the clients do. */
  close(): Promise<void>;
}
