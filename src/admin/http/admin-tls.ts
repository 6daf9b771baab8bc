import { readFileSync } from "node:fs";
import type { Socket } from "node:net";
import { createSecureContext, type SecureContext, TLSSocket } from "node:tls";
import { errorMessage, SluiceError } from "../../errors/sluice-error.ts";

export interface AdminTlsFiles {
  readonly key: string;
  readonly cert: string;
  /** Clients must show a certificate of these authorities; undefined: they need none. */
  readonly ca: string | undefined;
  /** Empty: what the TLS library finds safe. */
  readonly versions: readonly TlsVersion[];
}

type TlsVersion = "TLSv1.0" | "TLSv1.1" | "TLSv1.2" | "TLSv1.3";
type NodeVersion = "TLSv1" | Exclude<TlsVersion, "TLSv1.0">;

/** Key and certificates of the admin API; read again when told to, for connections that come after that. */
export class AdminTls {
  readonly #files: AdminTlsFiles;
  #context: SecureContext;

  /** Throws CONFIG_INVALID: a file cannot be read, or key and certificate do not belong together. */
  constructor(files: AdminTlsFiles) {
    this.#files = files;
    this.#context = load(files);
  }

  /** Throws CONFIG_INVALID, and goes on with what is in use. */
  reload(): void {
    this.#context = load(this.#files);
  }

  /** The server's side of TLS over a connection that has just come in. */
  wrap(socket: Socket): TLSSocket {
    const needsCertificate = this.#files.ca !== undefined;
    return new TLSSocket(socket, {
      isServer: true,
      secureContext: this.#context,
      requestCert: needsCertificate,
      rejectUnauthorized: needsCertificate,
    });
  }
}

function load({ key, cert, ca, versions }: AdminTlsFiles): SecureContext {
  const names = versions.map(nodeVersion).toSorted();
  const [oldest, newest] = [names[0], names.at(-1)];
  try {
    return createSecureContext({
      key: readFileSync(key),
      cert: readFileSync(cert),
      ...(ca === undefined ? {} : { ca: readFileSync(ca) }),
      minVersion: oldest ?? "TLSv1.2",
      ...(newest === undefined ? {} : { maxVersion: newest }),
    });
  } catch (cause) {
    const files = [key, cert, ...(ca === undefined ? [] : [ca])].join(", ");
    throw new SluiceError(
      "CONFIG_INVALID",
      `${files} cannot be used for the admin API: ${errorMessage(cause)}`,
      {
        cause,
      },
    );
  }
}

function nodeVersion(version: TlsVersion): NodeVersion {
  return version === "TLSv1.0" ? "TLSv1" : version;
}
