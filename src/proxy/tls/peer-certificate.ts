import type { X509Certificate } from "node:crypto";
import { isIP } from "node:net";
import { oneLineNames } from "./distinguished-name.ts";

/** The certificate that the other side has shown. */
export interface PeerCertificate {
  /** As REQUIRE SUBJECT and REQUIRE ISSUER write them: `/C=SE/O=Example/CN=client`. */
  readonly subject: string;
  readonly issuer: string;
  /** An authority of ours has signed it, it is in date and not revoked. */
  readonly isVerified: boolean;
}

export function peerCertificate(certificate: X509Certificate, isVerified: boolean): PeerCertificate {
  return Object.freeze({ ...oneLineNames(certificate.raw), isVerified });
}

/** Whether a certificate is one of `host`, a name or an address; without names (SAN) in it its CN counts. */
export function isCertificateOf(certificate: X509Certificate, host: string): boolean {
  const address = host.replace(/^::ffff:(?=\d+\.)/i, "");
  if (isIP(address) !== 0) return certificate.checkIP(address) !== undefined;
  return certificate.checkHost(address) !== undefined;
}
