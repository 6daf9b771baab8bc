import type { AuthSwitch } from "../../wire/auth-switch.ts";
import type { WireError } from "../../wire/error-packet.ts";
import type { OkPacket } from "../../wire/ok-packet.ts";
import type { Credential } from "./credential.ts";
import type { OwnedSocket, SocketOwner } from "./owned-socket.ts";

/** What came of a connection while nobody owned it; the new owner deals with it before it reads on. */
export interface HandedOver {
  readonly socket: OwnedSocket;
  /** Bytes that came after the login; a client that pipelines has sent its first commands by then. */
  readonly leftover: Buffer;
  /** The other side sends no more. */
  readonly hasEnded: boolean;
  readonly isClosed: boolean;
}

/** How a client's connection is encrypted. */
export interface ClientTls {
  /** OpenSSL's name. */
  readonly cipher: string;
  /** The certificate that the client has shown; subject and issuer as REQUIRE SUBJECT writes them. */
  readonly peer:
    | { readonly subject: string; readonly issuer: string; readonly isVerified: boolean }
    | undefined;
}

/** Who a client is and what it may do: settled by a login, and anew by COM_CHANGE_USER. */
export interface ClientIdentity {
  /** As the client named itself; an anonymous account may have let it in. */
  readonly user: string;
  /** The client's address; `localhost` for one of a unix socket. */
  readonly host: string;
  /** The account that let it in, `user@pattern`. */
  readonly account: string;
  readonly database: string | undefined;
  /** Collation number of the connection. */
  readonly characterSet: number;
  /** Connection attributes as they came (length-encoded pairs, without the length of the whole); empty: none. */
  readonly attributes: Buffer;
  readonly credential: Credential;
  /** The account's own limit of connections; 0: none. */
  readonly maxUserConnections: number;
  /** Its password has expired: servers let it do nothing but change it. */
  readonly isExpired: boolean;
}

/** What a client's connection keeps through COM_CHANGE_USER. */
export interface ClientConnectionFacts {
  /** What both sides use on this connection. */
  readonly capabilities: number;
  readonly mariadbCapabilities: number;
  /** Largest packet the client takes. */
  readonly maxPacket: number;
  /** The number that the greeting told it. */
  readonly connectionId: number;
  /** undefined: over a unix socket. */
  readonly address: string | undefined;
  /** Of the client, on its host; 0: over a unix socket. */
  readonly port: number;
  /** undefined: not encrypted. */
  readonly tls: ClientTls | undefined;
  /** What the greeting told it: clients that do not know of plugins go on using it. */
  readonly scramble: Buffer;
}

/**
 * A client that may come in and waits for its OK: the session says welcome() once it has what it needs, or refuses.
 * The socket is paused until it is handed over.
 */
export interface LoggedInClient extends ClientIdentity, ClientConnectionFacts {
  /** Ends the login with an OK. */
  welcome(ok: OkPacket): void;
  /** Ends it with an error, and closes. */
  refuse(error: WireError): void;
  /** From here on the socket is the owner's, who resumes it. */
  handOver(owner: SocketOwner): HandedOver;
}

/** What a connection to a server keeps through COM_CHANGE_USER. */
export interface ServerConnectionFacts {
  readonly capabilities: number;
  readonly mariadbCapabilities: number;
  readonly serverVersion: string;
  /** The server's number of the connection: what KILL takes. */
  readonly connectionId: number;
  readonly characterSet: number;
  readonly isEncrypted: boolean;
}

/** A connection to a server, logged in; nothing is under way on it. It is not paused: a server says nothing unasked. */
export interface LoggedInServer extends ServerConnectionFacts {
  /** SERVER_STATUS_… of the last OK. */
  readonly statusFlags: number;
  /** The last OK's payload, whose session track may tell the database and variables. */
  readonly ok: Buffer;
  /** What the server asked for last: COM_CHANGE_USER begins with it. */
  readonly authentication: AuthSwitch;
  handOver(owner: SocketOwner): HandedOver;
}
