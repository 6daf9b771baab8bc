import { readFileSync } from "node:fs";
import type { Socket } from "node:net";
import { createSecureContext, type SecureContext, TLSSocket } from "node:tls";
import { errorMessage, SluiceError } from "../../errors/sluice-error.ts";
import type { TlsProtocol } from "../../topology/tls-material.ts";

export interface ServerTlsFiles {
  readonly cert: string;
  readonly key: string;
  /** Clients must show a certificate of these authorities; undefined: they need none. */
  readonly ca: string | undefined;
  /** Undefined: what the TLS library finds safe. */
  readonly minVersion: TlsProtocol | undefined;
  readonly maxVersion: TlsProtocol | undefined;
}

/** What a listening port speaks TLS with; read again when told to, for clients that come after that. */
export class ServerTls {
  readonly #files: ServerTlsFiles;
  #context: SecureContext;

  /** @throws SluiceError CONFIG_INVALID: a file cannot be read, or key and certificate do not belong together */
  constructor(files: ServerTlsFiles) {
    this.#files = files;
    this.#context = load(files);
  }

  /** @throws SluiceError CONFIG_INVALID; what is in use stays */
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

function load({ cert, key, ca, minVersion, maxVersion }: ServerTlsFiles): SecureContext {
  try {
    return createSecureContext({
      cert: readFileSync(cert),
      key: readFileSync(key),
      ...(ca === undefined ? {} : { ca: readFileSync(ca) }),
      minVersion: minVersion ?? "TLSv1.2",
      ...(maxVersion === undefined ? {} : { maxVersion }),
    });
  } catch (cause) {
    const authorities = ca === undefined ? "" : ` and the authorities ${ca}`;
    const sentence = `the certificate ${cert} with the key ${key}${authorities} cannot be used: ${errorMessage(cause)}`;
    throw new SluiceError("CONFIG_INVALID", sentence, { cause });
  }
}
