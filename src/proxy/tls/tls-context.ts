import { createSecureContext } from "node:tls";
import { errorMessage, SluiceError } from "../../errors/sluice-error.ts";
import type { TlsMaterial } from "../../topology/tls-material.ts";

/** What the TLS library makes of a TlsMaterial once, for all connections that use it. */
export interface TlsContext {
  readonly material: TlsMaterial;
  /** The library's own object: keys, authorities, versions, ciphers. */
  readonly native: unknown;
}

/** Throws CONFIG_INVALID with the library's words; never with anything of the material. */
export function createTlsContext(material: TlsMaterial): TlsContext {
  const { cert, key, ca, crl, minVersion, maxVersion, ciphers } = material;
  try {
    const { context } = createSecureContext({
      ...(cert === undefined ? {} : { cert }),
      ...(key === undefined ? {} : { key }),
      ...(ca === undefined ? {} : { ca }),
      ...(crl === undefined ? {} : { crl }),
      ...(ciphers === undefined ? {} : { ciphers }),
      ...(maxVersion === undefined ? {} : { maxVersion }),
      minVersion: minVersion ?? "TLSv1.2",
    });
    return Object.freeze({ material, native: context });
  } catch (error) {
    throw new SluiceError("CONFIG_INVALID", `the TLS library refuses them: ${errorMessage(error)}`);
  }
}
