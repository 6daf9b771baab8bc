import { defaulted, optional } from "../parameter.ts";
import { flag, oneOf, tlsSwitch } from "../values/choice.ts";
import { list, path, text } from "../values/text.ts";
import { parsed, type ValueType } from "../values/value-type.ts";

const VERSIONS = ["TLSv1.0", "TLSv1.1", "TLSv1.2", "TLSv1.3"] as const;
export type TlsVersion = (typeof VERSIONS)[number];

/** The versions that are spoken, as a list; empty: what the TLS library finds safe. */
export function tlsVersions(): ValueType<readonly TlsVersion[]> {
  const also = { tlsv10: "TLSv1.0", tlsv11: "TLSv1.1", tlsv12: "TLSv1.2", tlsv13: "TLSv1.3" } as const;
  const versions = list(oneOf(VERSIONS, { also }));
  return {
    ...versions,
    parse: (value) =>
      value.toUpperCase() === "MAX"
        ? parsed([], { name: "ssl_version=MAX", instead: "nothing, the best version is chosen anyway" })
        : versions.parse(value),
  };
}

/** TLS of a connection or a listening port, under MaxScale's names. */
export const TLS = {
  ssl: defaulted(tlsSwitch(), "false", "Speak TLS."),
  ssl_ca: optional(path(), "PEM file of the authorities whose certificates are accepted."),
  ssl_cert: optional(path(), "PEM file of the certificate shown to the other side."),
  ssl_key: optional(path(), "PEM file of the key that belongs to ssl_cert."),
  ssl_version: optional(tlsVersions(), "TLS versions to speak; unset: what the TLS library finds safe."),
  ssl_cipher: optional(
    text("an OpenSSL cipher list"),
    "Ciphers for TLS up to 1.2; unset: the library's choice.",
  ),
  ssl_crl: optional(path(), "PEM file of revoked certificates."),
  ssl_verify_peer_certificate: defaulted(
    flag(),
    "false",
    "The other side must show a certificate of ssl_ca.",
  ),
  ssl_verify_peer_host: defaulted(
    flag(),
    "false",
    "The certificate must name the host that was connected to.",
  ),
} as const;

export const TLS_RENAMED = { ssl_ca_cert: "ssl_ca" } as const;
export const TLS_OBSOLETE = {
  ssl_cert_verify_depth: "the TLS library limits the length of a chain by itself; leave it out",
} as const;
