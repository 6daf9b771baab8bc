import { createHash } from "node:crypto";
import { errorMessage, SluiceError } from "../../errors/sluice-error.ts";
import { createTlsContext } from "../../proxy/tls/tls-context.ts";
import type { TlsMaterial, TlsProtocol } from "../../topology/tls-material.ts";
import type { Configuration, ListenerObject, ServerObject } from "../configuration.ts";
import type { FileAccess } from "../file-access.ts";
import type { TlsVersion } from "../schema/tls.ts";
import type { CertificateFiles, PemFile } from "./examine-certificates.ts";

/** What can speak TLS on the data path. */
export type TlsObject = ListenerObject | ServerObject;

/** The parameters that name a file, and what the file is. */
export const TLS_FILES = { ssl_cert: "cert", ssl_key: "key", ssl_ca: "ca", ssl_crl: "crl" } as const;
export type TlsFileParameter = keyof typeof TLS_FILES;

const PARAMETERS = Object.keys(TLS_FILES) as readonly TlsFileParameter[];

/** Listeners and servers with ssl=true. */
export function tlsObjects({ listeners, servers }: Configuration): readonly TlsObject[] {
  return [...listeners.values(), ...servers.values()].filter(({ parameters }) => parameters.ssl);
}

/** What reading the files of one object has brought. */
export interface TlsReading {
  readonly files: CertificateFiles;
  readonly failures: readonly { readonly parameter: TlsFileParameter; readonly reason: string }[];
}

/** Reads the files that an object names. Never throws. */
export function readTlsFiles({ parameters }: TlsObject, access: FileAccess): TlsReading {
  const files: Partial<Record<keyof CertificateFiles, PemFile>> = {};
  const failures: { parameter: TlsFileParameter; reason: string }[] = [];
  for (const parameter of PARAMETERS) {
    const path = parameters[parameter];
    if (path === undefined) continue;
    try {
      files[TLS_FILES[parameter]] = readFile(path, access);
    } catch (error) {
      failures.push({ parameter, reason: errorMessage(error) });
    }
  }
  return { files, failures };
}

function readFile(path: string, access: FileAccess): PemFile {
  const file = access.read(path);
  if (file === undefined) throw new SluiceError("IO_FAILED", `there is no file ${path}`);
  return { path, ...file };
}

/** What the workers need of it. Throws CONFIG_INVALID where the TLS library will not take it. */
export function tlsMaterial({ name, parameters: p }: TlsObject, files: CertificateFiles): TlsMaterial {
  const { minVersion, maxVersion } = versionRange(p.ssl_version);
  const { cert, key, ca, crl } = files;
  const content = {
    ...(cert && { cert: cert.text }),
    ...(key && { key: key.text }),
    ...(ca && { ca: ca.text }),
    ...(crl && { crl: crl.text }),
    ...(minVersion && { minVersion }),
    ...(maxVersion && { maxVersion }),
    ...(p.ssl_cipher !== undefined && { ciphers: p.ssl_cipher }),
    verifyCertificate: p.ssl_verify_peer_certificate,
    verifyHost: p.ssl_verify_peer_host,
  };
  const fingerprint = createHash("sha256").update(JSON.stringify(content)).digest("hex");
  const material: TlsMaterial = Object.freeze({ fingerprint, ...content });
  try {
    createTlsContext(material);
  } catch (error) {
    throw new SluiceError("CONFIG_INVALID", `[${name}] ${errorMessage(error)}`, { cause: error });
  }
  return material;
}

/** The oldest and the newest of some versions; of none: whatever the library finds safe. */
export function versionRange(versions: readonly TlsVersion[] | undefined): {
  readonly minVersion: TlsProtocol | undefined;
  readonly maxVersion: TlsProtocol | undefined;
} {
  const sorted = (versions ?? []).map(protocolOf).toSorted();
  return { minVersion: sorted[0], maxVersion: sorted.at(-1) };
}

const protocolOf = (version: TlsVersion): TlsProtocol => (version === "TLSv1.0" ? "TLSv1" : version);
