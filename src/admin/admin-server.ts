/**
 * admin/: the REST API, with MaxScale's resources and ours. It may import config/, publish/tcp/, telemetry/, topology/ and
 * errors/; it sees the running program through Control alone.
 *
 *   TCP (HTTPS, accounts) ──▶ Door ─┐
 *                                   ├─▶ App: routes, identity, one write at a time ─▶ resources/ ─▶ Control
 *   unix socket (root, group) ▶ Door┘
 */
import type { Socket } from "node:net";
import type { ConfigurationObject } from "../config/configuration.ts";
import { versionRange } from "../config/tls/tls-objects.ts";
import { SluiceError } from "../errors/sluice-error.ts";
import { listen } from "../publish/tcp/listen.ts";
import { ServerTls, type ServerTlsFiles } from "../publish/tcp/server-tls.ts";
import { listenUnix, type UnixSocketPlace } from "../publish/tcp/unix-socket.ts";
import type { Clock } from "../telemetry/clock.ts";
import type { Log } from "../telemetry/log.ts";
import { formatHostPort, isLoopback } from "../topology/endpoint.ts";
import { Accounts } from "./auth/accounts.ts";
import { Authenticator, type Identity } from "./auth/authenticator.ts";
import { Tokens } from "./auth/tokens.ts";
import type { Control } from "./control.ts";
import { type App, createApp, type RequestFacts } from "./http/app.ts";
import { DOOR_LIMITS, Door, type DoorLimits } from "./http/door.ts";
import { createRoutes } from "./routes.ts";

export interface AdminServerOptions {
  /** Undefined: only the unix socket. */
  readonly tcp: TcpOptions | undefined;
  readonly socket: UnixSocketPlace;
  readonly accountsFile: string;
  readonly control: Control;
  readonly clock: Clock;
  readonly log: Log;
  readonly limits?: DoorLimits;
}

export interface TcpOptions {
  readonly host: string;
  readonly port: number;
  readonly tls: ServerTlsFiles | undefined;
  /** False: whoever comes is an administrator (admin_auth). */
  readonly asksForAccount: boolean;
  /** Lets it listen beyond this host without TLS (admin_insecure). */
  readonly isInsecureAllowed: boolean;
}

/** How long answers under way may take when it closes, ms. */
const CLOSE_GRACE_MS = 500;
const SOCKET_MODE = 0o660;

export class AdminServer {
  readonly #options: AdminServerOptions;
  readonly #doors: Door[] = [];
  readonly #tls: ServerTls | undefined;
  #app: App | undefined;
  #removeSocket: () => void = () => {};

  /** Throws CONFIG_INVALID: TLS files that cannot be used, or an address beyond this host without TLS. */
  constructor(options: AdminServerOptions) {
    this.#options = options;
    const { tcp } = options;
    if (tcp !== undefined) refuseOpenAddress(tcp);
    this.#tls = tcp?.tls === undefined ? undefined : new ServerTls(tcp.tls);
  }

  /** The TCP port it listens on. */
  get port(): number | undefined {
    const address = this.#doors[1]?.server.address();
    return typeof address === "object" ? address?.port : undefined;
  }

  /** Opens the accounts (at the very first start it makes one), and listens. Throws ADDRESS_IN_USE, IO_FAILED and the like. */
  async start(): Promise<void> {
    const { accountsFile, control, clock, log, tcp, socket } = this.#options;
    const accounts = await Accounts.open(accountsFile, clock, log);
    const tokens = new Tokens(accounts, clock);
    const authenticator = new Authenticator({
      accounts,
      tokens,
      clock,
      log,
      logsFailures: () => control.configuration().sluice.parameters.admin_log_auth_failures,
    });
    this.#app = await createApp({
      routes: createRoutes(),
      context: { control, accounts, tokens, clock, log, reloadTls: () => this.reloadTls() },
      identify: (request) => this.#identify(request, authenticator),
    });
    try {
      const local = this.#openDoor(this.#app, undefined);
      this.#removeSocket = await listenUnix(local.server, socket, clock);
      if (tcp !== undefined)
        await listen(this.#openDoor(this.#app, this.#tls).server, { kind: "tcp", ...tcp });
    } catch (error) {
      await this.close();
      throw error;
    }
    const where = tcp === undefined ? "" : ` and ${formatHostPort(tcp.host, this.port ?? tcp.port)}`;
    log.info({ event: "admin_listening" }, `the admin API listens on ${socket.path}${where}`);
  }

  /** Reads key and certificates again. Throws CONFIG_INVALID, and goes on with those in use. */
  reloadTls(): void {
    this.#tls?.reload();
  }

  /**
   * Stops listening, lets answers under way finish, and ends within a second whatever the clients do.
   * @param isSucceeded another program goes on to listen there
   */
  async close(isSucceeded = false): Promise<void> {
    if (!isSucceeded) this.#removeSocket();
    for (const door of this.#doors) door.close(isSucceeded);
    await Promise.race([
      Promise.all(this.#doors.map((door) => door.emptied())),
      new Promise<void>((resolve) => this.#options.clock.after(CLOSE_GRACE_MS, resolve)),
    ]);
    for (const door of this.#doors) door.destroy();
    await this.#app?.close();
  }

  #openDoor({ server }: App, tls: ServerTls | undefined): Door {
    const { clock, log, limits = DOOR_LIMITS } = this.#options;
    const door = new Door({ http: server, tls, limits, clock, log });
    server.on("request", (request, response) => door.serving(request, response));
    this.#doors.push(door);
    return door;
  }

  async #identify(request: RequestFacts, authenticator: Authenticator): Promise<Identity> {
    const asks = this.#options.tcp?.asksForAccount !== false;
    if (this.#isLocal(request.socket) || !asks) return ANYBODY;
    const { authorization, cookie, socket } = request;
    return await authenticator.identify({
      authorization,
      cookie,
      address: socket.remoteAddress ?? "unknown",
    });
  }

  /** The socket's mode and group have let it in. */
  #isLocal(socket: Socket): boolean {
    return this.#doors[0]?.has(socket) === true;
  }
}

const ANYBODY: Identity = Object.freeze({ name: "local", account: "admin", login: undefined });

function refuseOpenAddress({ host, port, tls, isInsecureAllowed }: TcpOptions): void {
  if (tls !== undefined || isInsecureAllowed || isLoopback(host)) return;
  const where = formatHostPort(host, port);
  const message = `the admin API would listen on ${where} without TLS, and passwords would cross the network readable; set admin_ssl_cert and admin_ssl_key, or admin_host=127.0.0.1, or admin_insecure=true`;
  throw new SluiceError("CONFIG_INVALID", message);
}

export interface AdminSurroundings {
  /** The unix socket, where admin_socket does not say. */
  readonly socket: string;
  readonly stateDirectory: string;
  /** The group whose members need no password on the unix socket. */
  readonly gid: number | undefined;
}

/** From [sluice], and where the program runs. */
export function adminOptions(
  { parameters }: ConfigurationObject<"sluice">,
  { socket, stateDirectory, gid }: AdminSurroundings,
): Pick<AdminServerOptions, "tcp" | "socket" | "accountsFile"> {
  const { admin_ssl_key: key, admin_ssl_cert: cert, admin_ssl_ca: ca, admin_ssl_version } = parameters;
  const tls =
    key === undefined || cert === undefined
      ? undefined
      : { key, cert, ca, ...versionRange(admin_ssl_version) };
  const tcp = {
    host: parameters.admin_host,
    port: parameters.admin_port,
    tls,
    asksForAccount: parameters.admin_auth,
    isInsecureAllowed: parameters.admin_insecure,
  };
  return {
    tcp: parameters.admin_enabled ? tcp : undefined,
    socket: { path: parameters.admin_socket ?? socket, mode: SOCKET_MODE, gid },
    accountsFile: `${stateDirectory}/accounts.json`,
  };
}
