import { connect as connectSocket, isIP, type Socket } from "node:net";
import { checkServerIdentity, type PeerCertificate } from "node:tls";
import { type Connection, createConnection } from "mariadb";
import type { Endpoint } from "../../topology/endpoint.ts";
import type { Step } from "./failure.ts";
import type { DatabaseTarget, TlsOptions } from "./target.ts";

export type Row = Readonly<Record<string, unknown>>;

/**
 * One logged-in connection. The socket is ours and not the library's: so it can be dropped at a deadline without a
 * farewell (the library would open a second connection to KILL the first, and hang on a hung server), and its loss is
 * known at once.
 */
export class DatabaseSession {
  readonly #connection: Connection;
  readonly socket: Socket;
  readonly version: string;

  private constructor(connection: Connection, socket: Socket) {
    this.#connection = connection;
    this.socket = socket;
    // The error itself is told by the pending command; without a listener the library would throw it at nobody.
    connection.on("error", () => {});
    this.version = connection.info?.serverVersion?.raw ?? "";
  }

  /**
   * Connects and logs in; rejects with the system's or the server's error. `onSocket` receives the socket before
   * anything is sent, `onStep` each step begun: what a deadline needs to stop it and to say where it stood.
   */
  static async open(
    target: DatabaseTarget,
    onSocket: (socket: Socket) => void,
    onStep: (step: Step) => void,
  ): Promise<DatabaseSession> {
    onStep("connect");
    const socket = dial(target.endpoint);
    onSocket(socket);
    socket.once("connect", () => onStep("login"));
    const password = target.password();
    const connection = await createConnection({
      stream: streamOf(socket, target.endpoint),
      host: target.endpoint.kind === "tcp" ? target.endpoint.host : "localhost",
      user: target.user,
      ...(password === undefined ? {} : { password }),
      ...(target.database === undefined ? {} : { database: target.database }),
      ...(target.tls === undefined ? {} : { ssl: tlsParameters(target.tls, target.endpoint) }),
      connectTimeout: 0,
      allowPublicKeyRetrieval: true,
      trace: false,
      checkDuplicate: false,
      checkNumberRange: false,
      bigIntAsNumber: true,
      insertIdAsNumber: true,
      connectAttributes: { program_name: "sluice" },
    });
    return new DatabaseSession(connection, socket);
  }

  /** All rows of one statement, values as the server sent them. */
  async query(sql: string): Promise<readonly Row[]> {
    const result: unknown = await this.#connection.query({
      sql,
      rowsAsArray: false,
      typeCast: (_column, next) => next(),
    });
    return Array.isArray(result) ? result : [];
  }

  async ping(): Promise<void> {
    await this.#connection.ping();
  }

  /** `callback` runs once when the connection ends for whatever reason. */
  onClose(callback: () => void): void {
    // Told by the library and not by the socket, whose listeners the library takes off when the connection ends.
    this.#connection.once("end", callback);
  }

  /**
   * Says COM_QUIT first, so that the server counts no aborted client; the socket goes after `graceMs` in any case.
   * Resolves when it has gone.
   */
  quit(graceMs: number): Promise<void> {
    return new Promise((resolve) => {
      const gone = (): void => {
        clearTimeout(timer);
        this.socket.destroy();
        resolve();
      };
      const timer = setTimeout(gone, graceMs);
      this.#connection.end().then(gone, gone);
    });
  }
}

/**
 * The socket for the driver, which takes what it did not connect itself for a network: it would encrypt a password of
 * caching_sha2_password although the server expects it as it is on a unix socket. So it is told, through the options that
 * the function is called on.
 */
function streamOf(socket: Socket, endpoint: Endpoint): () => Socket {
  return function (this: { socketPath?: string } | undefined): Socket {
    if (this !== undefined && endpoint.kind === "socket") this.socketPath = endpoint.path;
    return socket;
  };
}

function dial(endpoint: Endpoint): Socket {
  const socket =
    endpoint.kind === "socket"
      ? connectSocket({ path: endpoint.path })
      : connectSocket({ host: endpoint.host, port: endpoint.port, noDelay: true });
  // A late error, after everybody has lost interest, must not end the process.
  socket.on("error", () => {});
  return socket;
}

function tlsParameters(tls: TlsOptions, endpoint: Endpoint): Record<string, unknown> {
  const host = endpoint.kind === "tcp" ? endpoint.host : "localhost";
  return {
    ...(tls.ca === undefined ? {} : { ca: tls.ca }),
    ...(tls.cert === undefined ? {} : { cert: tls.cert }),
    ...(tls.key === undefined ? {} : { key: tls.key }),
    ...(tls.crl === undefined ? {} : { crl: tls.crl }),
    ...(tls.ciphers === undefined ? {} : { ciphers: tls.ciphers }),
    ...(tls.minVersion === undefined ? {} : { minVersion: tls.minVersion }),
    ...(tls.maxVersion === undefined ? {} : { maxVersion: tls.maxVersion }),
    // SNI is for names only; an address is looked for in the certificate all the same.
    ...(tls.verifyHost && isIP(host) === 0 ? { servername: host } : {}),
    checkServerIdentity: (_name: string, certificate: PeerCertificate) =>
      tls.verifyHost ? checkServerIdentity(host, certificate) : undefined,
    rejectUnauthorized: tls.verifyCertificate,
  };
}
