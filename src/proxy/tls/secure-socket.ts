/**
 * proxy/tls/: TLS on sockets that are open already, as the MySQL protocol does it: both sides begin in the clear, and the
 * client asks for TLS before it logs in. May import topology/, errors/ and node:tls; see docs/decisions/0030-tls.md.
 *
 *   TlsMaterial (PEM) ─▶ TlsBook ─▶ TlsContext ─┬─▶ acceptTls: we are the server, the client's SSL request has been read
 *                                               └─▶ connectTls: we are the client, our SSL request has been written
 *
 * Both resolve to a socket with the same methods and handlers, on which data is in the clear again. Backpressure, half-close
 * and pause work on it as on the bare one.
 */
import type { X509Certificate } from "node:crypto";
import { isIP } from "node:net";
import type { Socket, SocketHandler, TLSUpgradeOptions } from "bun";
import { errorMessage, SluiceError } from "../../errors/sluice-error.ts";
import { isCertificateOf, type PeerCertificate, peerCertificate } from "./peer-certificate.ts";
import type { TlsContext } from "./tls-context.ts";

export interface TlsUpgrade<D> {
  /** What the handlers find in `socket.data`. */
  readonly data: D;
  /** The same for all connections. `data` is called with clear text, also before the promise has been resolved; `open` is not called. */
  readonly handlers: SocketHandler<D>;
  /** Bytes that came behind the SSL request and have been read already. */
  readonly leftover?: Uint8Array | undefined;
  /** Name or address that was connected to (connectTls), or from which the client comes (acceptTls). */
  readonly host: string | undefined;
}

export interface SecureSocket<D> {
  /** Takes the place of the bare socket, which must not be used any more. */
  readonly socket: Socket<D>;
  /** Undefined: the other side has shown none. */
  readonly peer: PeerCertificate | undefined;
  /** `TLSv1.3` */
  readonly version: string;
  /** OpenSSL's name, as REQUIRE CIPHER writes it. */
  readonly cipher: string;
}

/**
 * Server's side of TLS for a client whose SSL request has been read. Rejects with TLS_FAILED where the handshake fails, the
 * client leaves, or its certificate is not what the listener asks for; the socket is closed then, and no handler was called.
 * The deadline is the caller's: `terminate()` of the bare socket ends the handshake. The bare socket's own handlers are called
 * on, with ciphertext: what they find in `data` from now on is RETIRED.
 */
export function acceptTls<D>(
  bare: Socket<unknown>,
  context: TlsContext,
  upgrade: TlsUpgrade<D>,
): Promise<SecureSocket<D>> {
  return shakeHands(bare, context, upgrade, "server");
}

/** Client's side of TLS for a server that our SSL request has been sent to; otherwise as acceptTls(). */
export function connectTls<D>(
  bare: Socket<unknown>,
  context: TlsContext,
  upgrade: TlsUpgrade<D>,
): Promise<SecureSocket<D>> {
  return shakeHands(bare, context, upgrade, "client");
}

const ignore = (): void => {};

/** Stands for the owner of a bare socket that TLS has been laid over. */
const RETIRED = Object.freeze({ data: ignore, drain: ignore, end: ignore, close: ignore });

interface Handshake {
  /** False: it has failed, and the socket closes. */
  done(socket: Socket<unknown>, problem: Problem | null): boolean;
  closed(): void;
}

type Problem = Error & { readonly code?: string };

/** Handshakes under way, by their socket: so that handlers are made once and not for each connection. */
const underWay = new WeakMap<object, Handshake>();
/** The one that begins: with bytes read already it may fail before upgradeTLS() returns. */
let beginning: Handshake | undefined;

function shakeHands<D>(
  bare: Socket<unknown>,
  context: TlsContext,
  { data, handlers, leftover, host }: TlsUpgrade<D>,
  role: "server" | "client",
): Promise<SecureSocket<D>> {
  const { material, native } = context;
  const isServer = role === "server";
  const other = isServer ? "client" : "server";
  const tls = {
    secureContext: native,
    requestCert: !isServer || material.ca !== undefined,
    // judge() decides: REQUIRE X509 wants to know of certificates that are not good enough, too.
    rejectUnauthorized: false,
    serverName: isServer || host === undefined || isIP(host) !== 0 ? "" : host,
  };
  const initialData = leftover === undefined || leftover.length === 0 ? undefined : leftover;
  const { promise: done, resolve, reject } = Promise.withResolvers<SecureSocket<D>>();
  const fail = (reason: string): void => reject(new SluiceError("TLS_FAILED", reason));
  beginning = {
    closed: () => fail(`the ${other} closed the connection during the TLS handshake`),
    done: (secured, problem) => {
      const outcome = judge(secured, context, host, isServer, problem);
      if (typeof outcome !== "string") {
        resolve({ socket: secured as Socket<D>, ...outcome });
        return true;
      }
      fail(outcome);
      secured.terminate();
      return false;
    },
  };
  // The role, the context and the bytes read already are not in Bun's types; docs/decisions/0030-tls.md.
  const options: unknown = { data, tls, socket: withHandshake(handlers), isServer, initialData };
  try {
    const [retired, socket] = bare.upgradeTLS<D>(options as TLSUpgradeOptions<D>);
    retired.data = RETIRED as D;
    // The bare socket is dead to the runtime, and would take terminate() for done.
    bare.terminate = () => socket.terminate();
  } catch (error) {
    fail(`the ${other} has closed the connection (${errorMessage(error)})`);
  } finally {
    beginning = undefined;
  }
  return done;
}

/** Bun compares the name by itself, after all else was found good; whether it matters is for `verifyHost` to say. */
const OTHER_NAME = "ERR_TLS_CERT_ALTNAME_INVALID";

type Outcome = Pick<SecureSocket<never>, "peer" | "version" | "cipher">;

/** What the handshake has brought; a sentence: why the other side is not good enough. */
function judge(
  socket: Socket<unknown>,
  { material }: TlsContext,
  host: string | undefined,
  isServer: boolean,
  problem: Problem | null,
): Outcome | string {
  const who = isServer ? "client" : "server";
  // What the handler is told as success means something else in each role; a handshake that failed has agreed on no cipher.
  const cipher = socket.getCipher()?.name as string | null | undefined;
  if (!cipher) return `the TLS handshake with the ${who} failed: ${wordsOf(problem)}`;
  const certificate = peerCertificateOf(socket);
  const isSigned = problem === null || problem.code === OTHER_NAME;
  if (material.verifyCertificate) {
    if (certificate === undefined) return `the ${who} has shown no certificate`;
    if (!isSigned) return `the certificate of the ${who} is not accepted: ${wordsOf(problem)}`;
  }
  if (material.verifyHost) {
    if (certificate === undefined) return `the ${who} has shown no certificate`;
    if (host === undefined || !isCertificateOf(certificate, host))
      return `the certificate of the ${who} is not for ${host ?? "a unix socket"}`;
  }
  const peer = certificate && peerCertificate(certificate, material.ca !== undefined && isSigned);
  return { peer, version: socket.getTLSVersion(), cipher };
}

function peerCertificateOf(socket: Socket<unknown>): X509Certificate | undefined {
  return (socket.getPeerX509Certificate() as X509Certificate | undefined) ?? undefined;
}

/** `unable to get local issuer certificate (UNABLE_TO_GET_ISSUER_CERT_LOCALLY)` */
function wordsOf(problem: Problem | null): string {
  if (problem === null) return "no reason is known";
  return problem.code === undefined ? problem.message : `${problem.message} (${problem.code})`;
}

const wrapped = new WeakMap<object, SocketHandler<never>>();

/** The caller's handlers, with what ends a handshake in front of them. */
function withHandshake<D>(handlers: SocketHandler<D>): SocketHandler<D> {
  const present = wrapped.get(handlers);
  if (present !== undefined) return present as unknown as SocketHandler<D>;
  const { drain, close } = handlers;
  const made: SocketHandler<D> = {
    ...handlers,
    open(socket) {
      if (beginning !== undefined) underWay.set(socket, beginning);
      beginning = undefined;
    },
    handshake(socket, _success, problem) {
      if (underWay.get(socket)?.done(socket, problem) === true) underWay.delete(socket);
    },
    close(socket, error) {
      const handshake = underWay.get(socket);
      underWay.delete(socket);
      if (handshake === undefined) return close?.(socket, error);
      handshake.closed();
    },
    drain(socket) {
      if (!underWay.has(socket)) return drain?.(socket);
    },
  };
  wrapped.set(handlers, made as unknown as SocketHandler<never>);
  return made;
}
