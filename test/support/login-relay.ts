import type { SocketListener } from "bun";
import { AccountCopy } from "../../src/proxy/login/account-source.ts";
import { changeClientUser } from "../../src/proxy/login/change-client-user.ts";
import { changeServerUser } from "../../src/proxy/login/change-server-user.ts";
import { type ClientLoginParts, loginClient } from "../../src/proxy/login/client-login.ts";
import { connectServer } from "../../src/proxy/login/connect-server.ts";
import type { LoginFailure } from "../../src/proxy/login/end-login.ts";
import { KnownPasswords } from "../../src/proxy/login/known-passwords.ts";
import type { LoggedInClient, LoggedInServer } from "../../src/proxy/login/logged-in.ts";
import { LoginGuard } from "../../src/proxy/login/login-guard.ts";
import { OWNED_SOCKET, type OwnedSocket, type SocketOwner } from "../../src/proxy/login/owned-socket.ts";
import { PasswordKey } from "../../src/proxy/login/password-key.ts";
import { RandomPool } from "../../src/proxy/login/random-pool.ts";
import type { TlsContext } from "../../src/proxy/tls/tls-context.ts";
import { SYSTEM_CLOCK } from "../../src/telemetry/clock.ts";
import type { Accounts } from "../../src/topology/accounts.ts";
import type { Endpoint } from "../../src/topology/endpoint.ts";
import { COMMAND } from "../../src/wire/command.ts";
import { readOk } from "../../src/wire/ok-packet.ts";
import { faceOf } from "../../src/wire/service-face.ts";

export interface RelaySettings {
  readonly endpoint: Endpoint;
  /** Called at the beginning and whenever a login has failed. */
  accounts(): Promise<Accounts>;
  readonly serverTls?: TlsContext;
  readonly clientTls?: TlsContext;
  readonly version?: string;
  readonly maxFailures?: number;
  readonly deadlineMs?: number;
  readonly mayBeProxied?: boolean;
}

/** Logs clients in, logs in to one server in their name, and then carries the bytes: the least that a login can be tried with. */
export class LoginRelay {
  readonly #settings: RelaySettings;
  readonly #listener: SocketListener<SocketOwner> & { readonly port: number };
  readonly #parts: ClientLoginParts;
  readonly failures: LoginFailure[] = [];
  readonly exposed: string[] = [];
  refreshes = 0;
  #connections = 0;

  static async start(settings: RelaySettings): Promise<LoginRelay> {
    const relay = new LoginRelay(settings);
    await relay.refresh();
    return relay;
  }

  private constructor(settings: RelaySettings) {
    this.#settings = settings;
    const accounts = new AccountCopy({ timers: SYSTEM_CLOCK, ask: () => void this.refresh() });
    this.accounts = accounts;
    const random = new RandomPool();
    const guard = new LoginGuard(SYSTEM_CLOCK);
    guard.maxFailures = settings.maxFailures ?? 0;
    this.#parts = {
      service: "relay",
      accounts,
      passwords: new KnownPasswords(),
      key: new PasswordKey(),
      allowsRoot: true,
      randomBytes: (count) => random.take(count),
      nameOf: async () => undefined,
      onExposedPassword: (user) => this.exposed.push(user),
      timers: SYSTEM_CLOCK,
      guard: guard,
      face: faceOf(settings.version === undefined ? [] : [settings.version]),
      tls: settings.clientTls,
      deadlineMs: settings.deadlineMs ?? 20_000,
      onFailure: (failure) => this.failures.push(failure),
    };
    this.#listener = Bun.listen<SocketOwner>({
      hostname: "0.0.0.0",
      port: 0,
      allowHalfOpen: true,
      socket: { ...OWNED_SOCKET, open: (socket) => void this.#serve(socket) },
    });
  }

  readonly accounts: AccountCopy;

  get port(): number {
    return this.#listener.port;
  }

  close(): void {
    this.#listener.stop(true);
  }

  async refresh(): Promise<void> {
    this.refreshes++;
    this.accounts.put(await this.#settings.accounts());
  }

  async #serve(socket: OwnedSocket): Promise<void> {
    const origin = {
      address: socket.remoteAddress,
      port: socket.remotePort,
      connectionId: ++this.#connections,
      mayBeProxied: this.#settings.mayBeProxied ?? false,
    };
    const client = await loginClient(socket, origin, this.#parts);
    if (client === undefined) return;
    const { endpoint, serverTls } = this.#settings;
    const request = {
      ...client,
      proxyHeader: Buffer.alloc(0),
      tls: serverTls,
      deadlineMs: 10_000,
    };
    const outcome = await connectServer({ endpoint, userTimeoutMs: 0 }, 5000, request, SYSTEM_CLOCK);
    if (outcome.kind === "ok") this.#join(client, outcome.server);
    else if (outcome.kind === "refused") client.refuse(outcome.error);
    else client.refuse({ errno: 1105, sentence: outcome.reason });
  }

  #join(client: LoggedInClient, server: LoggedInServer): void {
    client.welcome(readOk(server.ok, server.capabilities));
    const back = new End();
    const front = new End((packet, rest) => void this.#change(client, server, front, back, packet, rest));
    front.take(client.handOver(front), back);
    back.take(server.handOver(back), front);
  }

  async #change(
    client: LoggedInClient,
    server: LoggedInServer,
    front: End,
    back: End,
    packet: Buffer,
    rest: Buffer,
  ): Promise<void> {
    if (front.socket === undefined || back.socket === undefined) return;
    const changed = await changeClientUser(front.socket, packet, rest, client, this.#parts);
    if (changed === undefined) {
      back.socket.terminate();
      return;
    }
    const request = { ...changed, host: "server", deadlineMs: 10_000 };
    const outcome = await changeServerUser(back.socket, server, request, SYSTEM_CLOCK);
    if (outcome.kind === "ok") this.#join(changed, outcome.server);
    else
      changed.refuse(outcome.kind === "refused" ? outcome.error : { errno: 1105, sentence: outcome.reason });
  }
}

/** One side once the login is over. Keeps all that the other does not take: tests are small. */
class End implements SocketOwner {
  socket: OwnedSocket | undefined;
  readonly #onChangeUser: ((packet: Buffer, rest: Buffer) => void) | undefined;
  #peer: End | undefined;
  #unsent = Buffer.alloc(0);

  constructor(onChangeUser?: (packet: Buffer, rest: Buffer) => void) {
    this.#onChangeUser = onChangeUser;
  }

  take(
    { socket, leftover, isClosed }: { socket: OwnedSocket; leftover: Buffer; isClosed: boolean },
    peer: End,
  ): void {
    this.socket = socket;
    this.#peer = peer;
    socket.resume();
    if (leftover.length > 0) queueMicrotask(() => this.data(leftover));
    if (isClosed) this.close();
  }

  send(bytes: Buffer): void {
    this.#unsent = Buffer.concat([this.#unsent, bytes]);
    this.drain();
  }

  data(chunk: Buffer): void {
    if (this.#onChangeUser !== undefined && chunk[3] === 0 && chunk[4] === COMMAND.CHANGE_USER) {
      const end = 4 + chunk.readUIntLE(0, 3);
      this.#onChangeUser(Buffer.from(chunk.subarray(4, end)), Buffer.from(chunk.subarray(end)));
      return;
    }
    this.#peer?.send(chunk);
  }

  drain(): void {
    const taken = this.socket?.write(this.#unsent) ?? 0;
    this.#unsent = this.#unsent.subarray(Math.max(0, taken));
  }

  end(): void {
    this.socket?.end();
    this.#peer?.socket?.end();
  }

  close(): void {
    this.#peer?.socket?.end();
  }
}
