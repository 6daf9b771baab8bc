/** Logs in to servers; see client-login.ts for the whole. */
import { AUTH_MORE_DATA, AUTH_SWITCH, readAuthSwitch } from "../../wire/auth-switch.ts";
import { CLIENT, commonFlags, hasFlag, withFlags, withoutFlags } from "../../wire/capability.ts";
import { ERR, readError, type WireError } from "../../wire/error-packet.ts";
import { type Greeting, readGreeting } from "../../wire/greeting.ts";
import { type LoginHead, writeLoginRequest, writeTlsRequest } from "../../wire/login-request.ts";
import { MalformedPacket } from "../../wire/malformed-packet.ts";
import { OK, readOk } from "../../wire/ok-packet.ts";
import type { Timers } from "../passthrough/timers.ts";
import { connectTls } from "../tls/secure-socket.ts";
import type { TlsContext } from "../tls/tls-context.ts";
import type { Credential } from "./credential.ts";
import type { HandedOver, LoggedInServer, ServerConnectionFacts } from "./logged-in.ts";
import { LoginChannel } from "./login-channel.ts";
import { OWNED_SOCKET, type OwnedSocket, type SocketOwner } from "./owned-socket.ts";
import { ServerProof, Unprovable } from "./server-proof.ts";

/** As whom, and with what agreed on. */
export interface ServerLoginRequest {
  readonly user: string;
  readonly credential: Credential;
  readonly database: string | undefined;
  readonly characterSet: number;
  /** As the client gave them (ClientIdentity.attributes). */
  readonly attributes: Buffer;
  readonly maxPacket: number;
  /** What the client was granted; the server must be able to do all of it. The login's own flags are added here. */
  readonly capabilities: number;
  readonly mariadbCapabilities: number;
  /** Told first; empty: nothing. */
  readonly proxyHeader: Buffer;
  /** undefined: in the clear; otherwise the server must offer it. */
  readonly tls: TlsContext | undefined;
  /** Name or address that was connected to, for its certificate; undefined: a unix socket. */
  readonly host: string | undefined;
  /** For the whole login, ms. */
  readonly deadlineMs: number;
}

export type ServerLoginOutcome =
  | { readonly kind: "ok"; readonly server: LoggedInServer }
  /** In the server's own words: what a client would have been told directly. */
  | { readonly kind: "refused"; readonly error: WireError }
  /** The server wants what cannot be given, or cannot do what the client was granted. One clause. */
  | { readonly kind: "unfit"; readonly reason: string }
  /** It closed, said nothing in time, or speaks no MySQL. One clause. */
  | { readonly kind: "unreachable"; readonly reason: string };

/** What belongs to the login and not to the session. */
const LOGIN_FLAGS = [
  CLIENT.LONG_PASSWORD,
  CLIENT.SSL,
  CLIENT.COMPRESS,
  CLIENT.ZSTD_COMPRESSION,
  CLIENT.CONNECT_WITH_DB,
  CLIENT.CONNECT_ATTRS,
  CLIENT.PLUGIN_AUTH,
  CLIENT.PLUGIN_AUTH_LENENC_DATA,
  CLIENT.SECURE_CONNECTION,
  CLIENT.SSL_VERIFY_SERVER_CERT,
  CLIENT.REMEMBER_OPTIONS,
].reduce(withFlags);

/** Logs in to a server on a connection that was just opened. Never rejects; unless `ok`, the connection is closed. */
export async function loginServer(
  socket: OwnedSocket,
  request: ServerLoginRequest,
  timers: Timers,
): Promise<ServerLoginOutcome> {
  const channel = new LoginChannel(socket, timers);
  channel.limit(request.deadlineMs);
  let outcome: ServerLoginOutcome;
  try {
    outcome = await logIn(channel, request);
  } catch (error) {
    outcome = serverFailure(error);
  }
  if (outcome.kind !== "ok") channel.destroy();
  return outcome;
}

/** What an exchange with a server that threw has come to. */
export function serverFailure(error: unknown): ServerLoginOutcome {
  if (error instanceof Unprovable) return { kind: "unfit", reason: error.message };
  return { kind: "unreachable", reason: error instanceof Error ? error.message : String(error) };
}

async function logIn(channel: LoginChannel, request: ServerLoginRequest): Promise<ServerLoginOutcome> {
  if (request.proxyHeader.length > 0) channel.sendRaw(request.proxyHeader);
  const hello = Buffer.from(await channel.receive());
  if (hello[0] === ERR) return { kind: "refused", error: readError(hello) };
  const greeting = readGreeting(hello);
  const lack = whatLacks(greeting, request);
  if (lack !== undefined) return { kind: "unfit", reason: lack };
  const head = agreedOn(greeting, request);
  if (request.tls !== undefined) {
    channel.send(writeTlsRequest(head));
    const { host, tls } = request;
    const upgrade = { data: channel, handlers: OWNED_SOCKET, host };
    const { socket } = await connectTls<SocketOwner>(channel.lendSocket(), tls, upgrade);
    channel.replaceSocket(socket);
  }
  const proof = new ServerProof(request.credential, request.tls !== undefined || request.host === undefined);
  const { user, database, attributes } = request;
  const { plugin, response } = proof.first(greeting);
  channel.send(writeLoginRequest({ ...head, user, authResponse: response, database, plugin, attributes }));
  return await untilOk(channel, proof, {
    capabilities: head.capabilities,
    mariadbCapabilities: head.mariadbCapabilities,
    serverVersion: greeting.serverVersion,
    connectionId: greeting.connectionId,
    characterSet: head.characterSet,
    isEncrypted: request.tls !== undefined,
  });
}

/** Answers what the server asks until it is content, or is not. */
export async function untilOk(
  channel: LoginChannel,
  proof: ServerProof,
  facts: ServerConnectionFacts,
): Promise<ServerLoginOutcome> {
  for (;;) {
    const payload = Buffer.from(await channel.receive());
    switch (payload[0]) {
      case OK: {
        const { statusFlags } = readOk(payload, facts.capabilities);
        channel.cancelDeadline();
        const handOver = (owner: SocketOwner): HandedOver => channel.handOver(owner);
        const server = { ...facts, statusFlags, ok: payload, authentication: proof.last, handOver };
        return { kind: "ok", server };
      }
      case ERR:
        return proof.lack === undefined
          ? { kind: "refused", error: readError(payload) }
          : { kind: "unfit", reason: proof.lack };
      case AUTH_SWITCH:
        channel.send(proof.answer(readAuthSwitch(payload)));
        break;
      case AUTH_MORE_DATA: {
        const answer = proof.more(payload.subarray(1));
        if (answer !== undefined) channel.send(answer);
        break;
      }
      default:
        throw new MalformedPacket(`malformed answer to a login: it begins with ${payload[0]}`);
    }
  }
}

/** What the client was granted and the server cannot do. */
function whatLacks(greeting: Greeting, request: ServerLoginRequest): string | undefined {
  if (request.tls !== undefined && !hasFlag(greeting.capabilities, CLIENT.SSL))
    return "it does not offer TLS, and ssl=true asks for it";
  const wanted = withoutFlags(request.capabilities, LOGIN_FLAGS);
  const lacks = withoutFlags(wanted, greeting.capabilities);
  const lacksOfMariadb = withoutFlags(request.mariadbCapabilities, greeting.mariadbCapabilities);
  if (lacks === 0 && lacksOfMariadb === 0) return undefined;
  const flags = [lacks, lacksOfMariadb].map((flag) => `0x${flag.toString(16)}`).join(" and ");
  return `its version ${greeting.serverVersion} cannot do all that the client was promised (flags ${flags})`;
}

/** What the client has, so that answers pass on as they are; and the session's state is always told. */
function agreedOn(greeting: Greeting, request: ServerLoginRequest): LoginHead {
  const { database, attributes, mariadbCapabilities, maxPacket, characterSet, tls } = request;
  const own =
    CLIENT.PROTOCOL_41 |
    CLIENT.SECURE_CONNECTION |
    CLIENT.SESSION_TRACK |
    CLIENT.PLUGIN_AUTH |
    CLIENT.PLUGIN_AUTH_LENENC_DATA |
    (tls === undefined ? 0 : CLIENT.SSL) |
    (database === undefined ? 0 : CLIENT.CONNECT_WITH_DB) |
    (attributes.length === 0 ? 0 : CLIENT.CONNECT_ATTRS);
  const session = withoutFlags(request.capabilities, withoutFlags(LOGIN_FLAGS, CLIENT.LONG_PASSWORD));
  // MariaDB's servers do not name LONG_PASSWORD, and take it all the same.
  const offered = withFlags(greeting.capabilities, CLIENT.LONG_PASSWORD);
  const capabilities = commonFlags(withFlags(session, own), offered);
  return { capabilities, mariadbCapabilities, maxPacket, characterSet };
}
