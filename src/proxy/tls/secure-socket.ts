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
import { SluiceError } from "../../errors/sluice-error.ts";
import { isCertificateOf, type PeerCertificate, peerCertificate } from "./peer-certificate.ts";
import type { TlsContext } from "./tls-context.ts";

export interface TlsUpgrade<D> {
  /** What the handlers find in `socket.data`. */
  readonly data: D;
  /** The same for all connections; `data` is called with clear text, also before the promise has been resolved. */
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
 * The deadline is the caller's: it terminates the bare socket.
 */
export function acceptTls<D>(
  bare: Socket<unknown>,
  context: TlsContext,
  upgrade: TlsUpgrade<D>,
): Promise<SecureSocket<D>> {
  return shakeHands(bare, context, upgrade, "server");
}

/** Client's side of TLS for a server that our SSL request has been sent to. Rejects as acceptTls() does. */
export function connectTls<D>(
  bare: Socket<unknown>,
  context: TlsContext,
  upgrade: TlsUpgrade<D>,
): Promise<SecureSocket<D>> {
  return shakeHands(bare, context, upgrade, "client");
}

interface Handshake {
  done(success: boolean, problem: Problem | null): void;
  closed(): void;
}

type Problem = Error & { readonly code?: string };

/** Handshakes under way, by their socket: so that handlers are made once and not for each connection. */
const underWay = new WeakMap<object, Handshake>();

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
  // The role, the context and the bytes read already are not in Bun's types; docs/decisions/0030-tls.md.
  const options: unknown = { data, tls, socket: withHandshake(handlers), isServer, initialData };
  return new Promise((resolve, reject) => {
    const fail = (reason: string): void => reject(new SluiceError("TLS_FAILED", reason));
    const [, socket] = bare.upgradeTLS<D>(options as TLSUpgradeOptions<D>);
    underWay.set(socket, {
      closed: () => fail(`the ${other} closed the connection during the TLS handshake`),
      done: (success, problem) => {
        const outcome = success || problem === null ? judge(socket, context, host, isServer, problem) : undefined;
        if (outcome !== undefined && typeof outcome !== "string") {
          resolve({ socket, ...outcome });
          return;
        }
        socket.terminate();
        fail(outcome ?? `the TLS handshake with the ${other} failed: ${wordsOf(problem)}`);
      },
    });
  });
}

type Outcome = Pick<SecureSocket<never>, "peer" | "version" | "cipher">;

/** What the handshake has brought; a sentence: why the other side is not good enough. */
function judge(
  socket: Socket<unknown>,
  { material }: TlsContext,
  host: string | undefined,
  isServer: boolean,
  problem: Problem | null,
): Outcome | string {
  const certificate = peerCertificateOf(socket);
  const who = isServer ? "client" : "server";
  if (material.verifyCertificate) {
    if (certificate === undefined) return `the ${who} has shown no certificate`;
    if (problem !== null) return `the certificate of the ${who} is not accepted: ${wordsOf(problem)}`;
  }
  if (material.verifyHost) {
    if (certificate === undefined) return `the ${who} has shown no certificate`;
    if (host === undefined || !isCertificateOf(certificate, host))
      return `the certificate of the ${who} is not for ${host ?? "a unix socket"}`;
  }
  const peer = certificate && peerCertificate(certificate, material.ca !== undefined && problem === null);
  return { peer, version: socket.getTLSVersion(), cipher: socket.getCipher().name };
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
  const made: SocketHandler<D> = {
    ...handlers,
    handshake(socket, success, problem) {
      const handshake = underWay.get(socket);
      underWay.delete(socket);
      handshake?.done(success, problem);
    },
    close(socket, error) {
      const handshake = underWay.get(socket);
      underWay.delete(socket);
      if (handshake === undefined) return handlers.close?.(socket, error);
      handshake.closed();
    },
  };
  wrapped.set(handlers, made as unknown as SocketHandler<never>);
  return made;
}
