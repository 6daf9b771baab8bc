import { readFileSync } from "node:fs";
import { createSecureContext, type SecureContext } from "node:tls";
import { errorMessage, SluiceError } from "../../errors/sluice-error.ts";

export interface CertificateFiles {
  readonly certPath: string;
  readonly keyPath: string;
}

/** The certificate a listener shows; read again when told to, for clients that come after that. */
export class ServerCertificate {
  readonly #files: CertificateFiles;
  #context: SecureContext;

  /** @throws SluiceError CONFIG_INVALID: a file cannot be read, or the two do not belong together */
  constructor(files: CertificateFiles) {
    this.#files = files;
    this.#context = load(files);
  }

  get context(): SecureContext {
    return this.#context;
  }

  /** @throws SluiceError CONFIG_INVALID; the certificate in use stays */
  reload(): void {
    this.#context = load(this.#files);
  }
}

function load({ certPath, keyPath }: CertificateFiles): SecureContext {
  try {
    return createSecureContext({
      cert: readFileSync(certPath),
      key: readFileSync(keyPath),
      minVersion: "TLSv1.2",
    });
  } catch (cause) {
    const sentence = `the certificate ${certPath} with the key ${keyPath} cannot be used: ${errorMessage(cause)}`;
    throw new SluiceError("CONFIG_INVALID", sentence, { cause });
  }
}
