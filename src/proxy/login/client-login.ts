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
  /** What the greeting tells the client. */
  readonly connectionId: number;
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
  readonly #origin: ClientOrigin;
  readonly #channel: LoginChannel;
  readonly #host: string;
  #user = "";

  constructor(socket: OwnedSocket, origin: ClientOrigin, parts: ClientLoginParts) {
    this.#parts = parts;
    this.#origin = origin;
    this.#host = hostText(origin.address);
    this.#channel = new LoginChannel(socket, parts.timers);
  }

  async run(): Promise<LoggedInClient | undefined> {
    const { guard, deadlineMs } = this.#parts;
    if (guard.isBlocked(this.#host)) return this.#turnAway(hostBlocked(this.#host));
    if (!guard.begin(this.#host)) return this.#turnAway(tooManyLogins());
    this.#channel.limit(deadlineMs);
    try {
      return await this.#logIn();
    } catch (error) {
      breakLogin(this.#channel, this.#who, error, this.#parts);
      return undefined;
    } finally {
      guard.end(this.#host);
    }
  }

  async #logIn(): Promise<LoggedInClient | undefined> {
    const { face, randomBytes } = this.#parts;
    const channel = this.#channel;
    const scramble = scrambleFrom(randomBytes(SCRAMBLE_BYTES));
    const { connectionId, address } = this.#origin;
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
      host: this.#origin.address,
    });
    channel.replaceSocket(socket);
    return { cipher, peer };
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
