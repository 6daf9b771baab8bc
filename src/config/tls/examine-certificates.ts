import type { KeyObject, X509Certificate } from "node:crypto";
import { errorMessage } from "../../errors/sluice-error.ts";
import {
  beginsAt,
  certificatesIn,
  DAY_MS,
  dayOf,
  daysLeft,
  endsAt,
  privateKeyIn,
  subjectOf,
} from "./certificate.ts";

/** A file that has been read. */
export interface PemFile {
  readonly path: string;
  readonly text: string;
  /** `st_mode & 0o7777` */
  readonly mode: number;
}

export interface CertificateFiles {
  readonly cert?: PemFile | undefined;
  readonly key?: PemFile | undefined;
  readonly ca?: PemFile | undefined;
  readonly crl?: PemFile | undefined;
}

/**
 * unusable  nothing can be done with the file
 * refused   whoever verifies it will refuse it
 * risk      it works, but not with everybody, not for long, or not safely
 */
export type CertificateSeverity = "unusable" | "refused" | "risk";

export interface CertificateFinding {
  readonly severity: CertificateSeverity;
  /** Which of the files, and its path. */
  readonly part: keyof CertificateFiles;
  readonly file: string;
  readonly sentence: string;
  readonly remedy: string;
}

export interface Examination {
  /** To whom the certificate is shown: a server shows it to clients. */
  readonly role: "server" | "client";
  /** ms since 1970 */
  readonly now: number;
}

/** A certificate is warned of from here on. */
export const WARN_DAYS = 30;
const SERVER_AUTH = "1.3.6.1.5.5.7.3.1";
const CLIENT_AUTH = "1.3.6.1.5.5.7.3.2";
const READABLE_BY_OTHERS = 0o004;
const MIN_RSA_BITS = 2048;

/** What is wrong with the files of one listener or server, each by itself and the key with the certificate. Pure. */
export function examineCertificates(
  files: CertificateFiles,
  examination: Examination,
): readonly CertificateFinding[] {
  return [
    ...examineCertificate(files, examination),
    ...examineKey(files),
    ...examineAuthorities(files, examination),
    ...examineRevoked(files),
  ];
}

/** The certificates of a file, or why there are none. */
function readCertificates(
  part: "cert" | "ca",
  file: PemFile,
): readonly X509Certificate[] | CertificateFinding {
  try {
    const found = certificatesIn(file.text);
    if (found.length > 0) return found;
    const what = file.text.includes("PRIVATE KEY") ? "it holds a private key" : "it is not PEM, or empty";
    return unusable(part, file, `there is no certificate in it: ${what}`, "name the file of the certificate");
  } catch (error) {
    return unusable(
      part,
      file,
      `a certificate in it cannot be read: ${errorMessage(error)}`,
      "copy the file anew",
    );
  }
}

function examineCertificate({ cert }: CertificateFiles, examination: Examination): CertificateFinding[] {
  if (cert === undefined) return [];
  const read = readCertificates("cert", cert);
  if ("severity" in read) return [read];
  const [leaf, ...chain] = read;
  if (leaf === undefined) return [];
  return [
    ...examineDates("cert", cert, leaf, examination.now),
    ...chain.flatMap((one) => examineDates("cert", cert, one, examination.now)),
    ...examineName(cert, leaf),
    ...examinePurpose(cert, leaf, examination.role),
    ...examineStrength(cert, leaf),
  ];
}

function examineDates(
  part: "cert" | "ca",
  file: PemFile,
  certificate: X509Certificate,
  now: number,
): CertificateFinding[] {
  const name = subjectOf(certificate);
  const ends = endsAt(certificate);
  if (now > ends) {
    return [
      refused(
        part,
        file,
        `${name} expired on ${dayOf(ends)}`,
        "make or order a new one and put it in its place",
      ),
    ];
  }
  const begins = beginsAt(certificate);
  if (now < begins) {
    return [
      refused(
        part,
        file,
        `${name} is valid from ${dayOf(begins)} only`,
        "look at this host's clock, or wait",
      ),
    ];
  }
  const days = daysLeft(certificate, now);
  if (ends - now > WARN_DAYS * DAY_MS) return [];
  return [
    risk(part, file, `${name} expires on ${dayOf(ends)}, in ${days} days`, "replace it before that day"),
  ];
}

/** The trap: OpenSSL and yaSSL take a certificate for self-signed when its own name is its authority's. */
function examineName(file: PemFile, leaf: X509Certificate): CertificateFinding[] {
  if (leaf.subject !== leaf.issuer) return [];
  const isOwnSignature = leaf.verify(leaf.publicKey);
  if (isOwnSignature && leaf.ca)
    return [
      refused(
        "cert",
        file,
        "it is the certificate of an authority",
        "name the certificate that it has signed",
      ),
    ];
  if (isOwnSignature)
    return [
      risk(
        "cert",
        file,
        "it is self-signed: only who has this very file as authority can verify it",
        "`sluice certs` makes an authority and certificates of it",
      ),
    ];
  return [
    refused(
      "cert",
      file,
      `its name (${subjectOf(leaf)}) is also its authority's: it is taken for self-signed ("error 18")`,
      "make it anew with another CN than the authority's; `sluice certs server` does",
    ),
  ];
}

function examinePurpose(
  file: PemFile,
  leaf: X509Certificate,
  role: Examination["role"],
): CertificateFinding[] {
  const purposes = leaf.keyUsage as readonly string[] | undefined;
  const findings: CertificateFinding[] = [];
  const isMeant = (purpose: string): boolean =>
    purposes === undefined || purposes.length === 0 || purposes.includes(purpose);
  if (role === "server" && !isMeant(SERVER_AUTH))
    findings.push(
      refused(
        "cert",
        file,
        "it is a client's certificate, shown to clients: those that verify it refuse it",
        "give the listener a certificate of `sluice certs server`",
      ),
    );
  if (role === "client" && !isMeant(CLIENT_AUTH))
    findings.push(
      refused(
        "cert",
        file,
        "it is a server's certificate, shown to a server: one that verifies it refuses it",
        "use a certificate of `sluice certs client`",
      ),
    );
  if (role === "server" && (leaf.subjectAltName ?? "") === "")
    findings.push(
      risk(
        "cert",
        file,
        "it names its host in the CN only, where many clients do not look any more",
        "make it with names and addresses as SAN; `sluice certs server` does",
      ),
    );
  return findings;
}

function examineStrength(file: PemFile, leaf: X509Certificate): CertificateFinding[] {
  const bits = leaf.publicKey.asymmetricKeyDetails?.modulusLength;
  if (leaf.publicKey.asymmetricKeyType !== "rsa" || bits === undefined || bits >= MIN_RSA_BITS) return [];
  return [
    refused(
      "cert",
      file,
      `its RSA key has ${bits} bits: OpenSSL refuses less than ${MIN_RSA_BITS}`,
      "make a new key and certificate",
    ),
  ];
}

function examineKey({ cert, key }: CertificateFiles): CertificateFinding[] {
  if (key === undefined) return [];
  const findings: CertificateFinding[] = [];
  if ((key.mode & READABLE_BY_OTHERS) !== 0)
    findings.push(
      risk("key", key, "every user of this host can read the private key", `chmod 600 ${key.path}`),
    );
  const own = privateKeyIn(key.text);
  if (own === undefined) return [...findings, unusable("key", key, ...whyNoKey(key.text))];
  const leaf = cert === undefined ? undefined : readCertificates("cert", cert);
  if (leaf === undefined || "severity" in leaf || fits(leaf[0], own)) return findings;
  return [
    ...findings,
    unusable(
      "key",
      key,
      `it is not the key of the certificate ${cert?.path}`,
      "name the two that were made together; `openssl x509 -noout -pubkey` and `openssl pkey -pubout` show which",
    ),
  ];
}

const fits = (leaf: X509Certificate | undefined, key: KeyObject): boolean =>
  leaf?.checkPrivateKey(key) === true;

function whyNoKey(text: string): readonly [sentence: string, remedy: string] {
  if (/ENCRYPTED/.test(text))
    return [
      "the private key has a passphrase, which nobody would be there to type",
      "`openssl pkey -in OLD -out NEW` writes it without; keep its mode at 0600",
    ];
  if (/BEGIN CERTIFICATE/.test(text) && !/PRIVATE KEY/.test(text))
    return ["it holds a certificate and no key", "name the file of the key"];
  return ["there is no private key in it that can be read", "name the PEM file of the key"];
}

function examineAuthorities({ ca }: CertificateFiles, { now }: Examination): CertificateFinding[] {
  if (ca === undefined) return [];
  const read = readCertificates("ca", ca);
  if ("severity" in read) return [read];
  return read.flatMap((authority) => [
    ...examineDates("ca", ca, authority, now),
    ...(authority.ca
      ? []
      : [
          risk(
            "ca",
            ca,
            `${subjectOf(authority)} is no authority (CA:FALSE): what others it has signed is not accepted`,
            "name the authority's certificate",
          ),
        ]),
  ]);
}

function examineRevoked({ crl }: CertificateFiles): CertificateFinding[] {
  if (crl === undefined || crl.text.includes("-----BEGIN X509 CRL-----")) return [];
  return [
    unusable(
      "crl",
      crl,
      "there is no list of revoked certificates in it",
      "name a PEM file with BEGIN X509 CRL; `openssl crl -inform DER` converts one",
    ),
  ];
}

const finding =
  (severity: CertificateSeverity) =>
  (part: keyof CertificateFiles, { path }: PemFile, sentence: string, remedy: string): CertificateFinding =>
    Object.freeze({ severity, part, file: path, sentence, remedy });
const unusable = finding("unusable");
const refused = finding("refused");
const risk = finding("risk");
