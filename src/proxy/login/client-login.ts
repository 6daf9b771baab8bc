/**
 * proxy/login/: logs clients in here, and logs in to servers in their name. May import wire/, topology/ and proxy/tls/. Promises and
 * copies are fine: a login is no hot path.
 *
 *   client ⇄ LoginChannel ─ loginClient: greeting, TLS, account, proof ─▶ LoggedInClient ─ welcome() ─▶ session
 *   server ⇄ LoginChannel ─ loginServer: the client's name and Credential ─▶ LoggedInServer ──────────▶ session
 */
import { CLIENT, commonFlags, withFlags } from "../../wire/capability.ts";
import { errorBeforeGreeting, type WireError } from "../../wire/error-packet.ts";
import { SCRAMBLE_BYTES, scrambleFrom, writeGreeting } from "../../wire/greeting.ts";
import { plainAddress } from "../../wire/ip-address.ts";
import { isTlsRequest, readLoginHead, readLoginRequest } from "../../wire/login-request.ts";
import { STATUS } from "../../wire/ok-packet.ts";
import type { ServiceFace } from "../../wire/service-face.ts";
import { acceptTls } from "../tls/secure-socket.ts";
import type { TlsContext } from "../tls/tls-context.ts";
import { admitClient } from "./admitted-client.ts";
import { breakLogin, type EndParts, refuseLogin } from "./end-login.ts";
import { hostText, type IdentifyParts, identifyClient } from "./identify-client.ts";
import type { ClientTls, LoggedInClient } from "./logged-in.ts";
import { LoginChannel } from "./login-channel.ts";
import { hostBlocked, tlsRequired, tooManyLogins } from "./login-errors.ts";
import { OWNED_SOCKET, type OwnedSocket, type SocketOwner } from "./owned-socket.ts";

export interface ClientLoginParts extends IdentifyParts, EndParts {
  readonly face: ServiceFace;
  /** undefined: clients come in the clear; otherwise all must use it. */
  readonly tls: TlsContext | undefined;
  /** For the whole login, ms. */
  readonly deadlineMs: number;
}

export interface ClientOrigin {
  /** undefined: over a unix socket. */
  readonly address: string | undefined;
  readonly port: number;
  /** What the greeting tells the client. */
  readonly connectionId: number;
  /** It may begin with a header of the PROXY protocol, which tells whose connection it passes on. */
  readonly mayBeProxied: boolean;
}

/**
 * Logs a client in, up to its last OK, which is the session's to say. Never rejects. undefined: it came to nothing; the client has been
 * told, or is gone.
 */
export async function loginClient(
  socket: OwnedSocket,
  origin: ClientOrigin,
  parts: ClientLoginParts,
): Promise<LoggedInClient | undefined> {
  return await new ClientLogin(socket, origin, parts).run();
}

class ClientLogin {
  readonly #parts: ClientLoginParts;
  readonly #connectionId: number;
  readonly #mayBeProxied: boolean;
  readonly #channel: LoginChannel;
  #address: string | undefined;
  #port: number;
  #user = "";

  constructor(socket: OwnedSocket, origin: ClientOrigin, parts: ClientLoginParts) {
    this.#parts = parts;
    this.#address = origin.address;
    this.#port = origin.port;
    this.#connectionId = origin.connectionId;
    this.#mayBeProxied = origin.mayBeProxied;
    this.#channel = new LoginChannel(socket, parts.timers);
  }

  async run(): Promise<LoggedInClient | undefined> {
    const { guard, deadlineMs } = this.#parts;
    const host = this.#host;
    if (!this.#mayBeProxied && guard.isBlocked(host)) return this.#turnAway(hostBlocked(host));
    if (!guard.begin(host)) return this.#turnAway(tooManyLogins());
    this.#channel.limit(deadlineMs);
    try {
      return await this.#logIn();
    } catch (error) {
      breakLogin(this.#channel, this.#who, error, this.#parts);
      return undefined;
    } finally {
      guard.end(host);
    }
  }

  async #logIn(): Promise<LoggedInClient | undefined> {
    const { face, randomBytes } = this.#parts;
    const channel = this.#channel;
    const scramble = scrambleFrom(randomBytes(SCRAMBLE_BYTES));
    const connectionId = this.#connectionId;
    const offered = this.#offered();
    channel.send(
      writeGreeting({
        ...face,
        capabilities: offered,
        connectionId,
        scramble,
        statusFlags: STATUS.AUTOCOMMIT,
      }),
    );
    if (this.#mayBeProxied && !(await this.#readProxyHeader())) return undefined;
    let payload = await channel.receive();
    let tls: ClientTls | undefined;
    if (this.#parts.tls !== undefined) {
      if (!isTlsRequest(payload)) {
        readLoginHead(payload);
        return await this.#refuse({ error: tlsRequired(), isGuess: false });
      }
      tls = await this.#encrypt(this.#parts.tls);
      payload = await channel.receive();
    }
    const request = readLoginRequest(Buffer.from(payload));
    this.#user = request.user;
    const capabilities = commonFlags(request.capabilities, offered);
    const address = this.#address;
    const connection = { channel, address, capabilities, tls };
    const first = { plugin: request.plugin, response: request.authResponse, scramble };
    const identification = await identifyClient(request, first, connection, this.#parts);
    if (identification.kind === "refused") return await this.#refuse(identification);
    this.#parts.guard.succeeded(this.#host);
    const { maxPacket, mariadbCapabilities } = request;
    return admitClient(channel, {
      ...identification.identity,
      capabilities,
      mariadbCapabilities: commonFlags(mariadbCapabilities, face.mariadbCapabilities),
      maxPacket,
      connectionId,
      address,
      port: this.#port,
      tls,
      scramble,
    });
  }

  /** TLS is offered where it is had, and then asked for. */
  #offered(): number {
    const { face, tls } = this.#parts;
    return tls === undefined ? face.capabilities : withFlags(face.capabilities, CLIENT.SSL);
  }

  async #encrypt(context: TlsContext): Promise<ClientTls> {
    const channel = this.#channel;
    const { socket, cipher, peer } = await acceptTls<SocketOwner>(channel.lendSocket(), context, {
      data: channel,
      handlers: OWNED_SOCKET,
      leftover: channel.takeLeftover(),
      host: this.#address,
    });
    channel.replaceSocket(socket);
    return { cipher, peer };
  }

  /**
   * The greeting has been sent by then: who has no header to send waits for it, and a proxy reads it only after its header is through.
   * False: the client it speaks for is turned away.
   */
  async #readProxyHeader(): Promise<boolean> {
    const reading = await this.#channel.receiveProxyHeader();
    if (reading.kind !== "header" || reading.source === undefined) return true;
    this.#address = plainAddress(reading.source.address);
    this.#port = reading.source.port;
    if (!this.#parts.guard.isBlocked(this.#host)) return true;
    await this.#channel.receive();
    await this.#refuse({ error: hostBlocked(this.#host), isGuess: false });
    return false;
  }

  get #host(): string {
    return hostText(this.#address);
  }

  get #who(): { readonly user: string; readonly host: string } {
    return { user: this.#user, host: this.#host };
  }

  async #refuse(refusal: { readonly error: WireError; readonly isGuess: boolean }): Promise<undefined> {
    await refuseLogin(this.#channel, this.#who, refusal, this.#parts);
  }

  /** Nothing has been agreed on yet. */
  #turnAway(error: WireError): undefined {
    this.#channel.sendRaw(errorBeforeGreeting(error));
    this.#channel.finish();
    this.#parts.onFailure({ ...this.#who, reason: error.sentence, isGuess: false });
  }
}
