import { createPrivateKey, type KeyObject, X509Certificate } from "node:crypto";

const BLOCK =
  /-----BEGIN (?:X509 |TRUSTED )?CERTIFICATE-----[^-]+-----END (?:X509 |TRUSTED )?CERTIFICATE-----/g;

export const DAY_MS = 24 * 60 * 60 * 1000;

/** The certificates of a PEM text, in its order. Throws what the library throws for one that is broken. */
export function certificatesIn(pem: string): readonly X509Certificate[] {
  return (pem.match(BLOCK) ?? []).map((block) => new X509Certificate(block));
}

/** Undefined: the text holds no private key without a passphrase. */
export function privateKeyIn(pem: string): KeyObject | undefined {
  try {
    return createPrivateKey(pem);
  } catch {
    return undefined;
  }
}

/** ms since 1970 */
export const beginsAt = (certificate: X509Certificate): number => Date.parse(certificate.validFrom);
export const endsAt = (certificate: X509Certificate): number => Date.parse(certificate.validTo);

/** Whole days that are left; negative once it has expired. */
export const daysLeft = (certificate: X509Certificate, now: number): number =>
  Math.floor((endsAt(certificate) - now) / DAY_MS);

/** `2027-03-01` */
export const dayOf = (time: number): string => new Date(time).toISOString().slice(0, 10);

/** The subject on one line: `CN=db1, O=Example`. */
export const subjectOf = (certificate: X509Certificate): string =>
  certificate.subject.split("\n").reverse().join(", ");
