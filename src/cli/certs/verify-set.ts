import type { X509Certificate } from "node:crypto";
import { certificatesIn, dayOf, daysLeft, endsAt, subjectOf } from "../../config/tls/certificate.ts";
import {
  type CertificateFinding,
  type Examination,
  examineCertificates,
  type PemFile,
} from "../../config/tls/examine-certificates.ts";
import { isCertificateOf } from "../../proxy/tls/peer-certificate.ts";

/** Files that belong together: a certificate with its key and the authority that should have signed it. */
export interface CertificateSet {
  readonly cert: PemFile;
  readonly key: PemFile | undefined;
  readonly ca: PemFile | undefined;
  /** The certificate must be for this host. */
  readonly host: string | undefined;
}

export interface SetVerdict {
  readonly file: string;
  /** `CN=db1, until 2028-11-20 (729 days); for db1, 10.0.0.1`; undefined: it cannot be read. */
  readonly words: string | undefined;
  readonly findings: readonly CertificateFinding[];
}

const CLIENT_AUTH = "1.3.6.1.5.5.7.3.2";

/** What is wrong with a set of files, each way that is known to keep a handshake from working. Pure. */
export function verifySet(set: CertificateSet, now: number): SetVerdict {
  const leaf = firstOf(set.cert);
  const role = leaf !== undefined && isOfClient(leaf) ? "client" : "server";
  const examination: Examination = { role, now };
  const findings = [...examineCertificates({ cert: set.cert, key: set.key, ca: set.ca }, examination)];
  if (leaf === undefined) return { file: set.cert.path, words: undefined, findings };
  findings.push(...examineChain(set, leaf), ...examineHost(set, leaf));
  return { file: set.cert.path, words: wordsOf(leaf, now), findings };
}

/** What is wrong between several certificates: the same serial number twice, from one authority. */
export function verifyTogether(files: readonly PemFile[]): readonly CertificateFinding[] {
  const seen = new Map<string, string>();
  return files.flatMap((file): readonly CertificateFinding[] => {
    const leaf = firstOf(file);
    if (leaf === undefined) return [];
    const number = `${leaf.issuer}\n${leaf.serialNumber}`;
    const other = seen.get(number);
    seen.set(number, file.path);
    if (other === undefined) return [];
    return [
      {
        severity: "risk",
        part: "cert",
        file: file.path,
        sentence: `it has the serial number of ${other}: revoking one revokes both, and some programs refuse the second`,
        remedy: "make it anew with a number of its own; `sluice certs` takes a random one",
      },
    ];
  });
}

function firstOf(file: PemFile): X509Certificate | undefined {
  try {
    return certificatesIn(file.text)[0];
  } catch {
    return undefined;
  }
}

function isOfClient(leaf: X509Certificate): boolean {
  const purposes = leaf.keyUsage as readonly string[] | undefined;
  return purposes !== undefined && purposes.length === 1 && purposes[0] === CLIENT_AUTH;
}

/** Whether the authority has signed it, directly or by certificates behind it in its file. */
function examineChain({ cert, ca }: CertificateSet, leaf: X509Certificate): readonly CertificateFinding[] {
  if (ca === undefined || leaf.subject === leaf.issuer) return [];
  let authorities: readonly X509Certificate[];
  try {
    authorities = certificatesIn(ca.text);
  } catch {
    return []; // told already
  }
  let present = leaf;
  for (const next of [...certificatesIn(cert.text).slice(1), undefined]) {
    if (authorities.some((authority) => isSignedBy(present, authority))) return [];
    if (next === undefined || !isSignedBy(present, next)) break;
    present = next;
  }
  const signer = present.issuer.split("\n").reverse().join(", ");
  const isNamesake = authorities.some(({ subject }) => subject === present.issuer);
  return [
    {
      severity: "refused",
      part: "cert",
      file: cert.path,
      sentence: isNamesake
        ? `an authority called ${signer} has signed it, but not with the key of the one in ${ca.path}`
        : `no authority in ${ca.path} has signed it; ${signer} has`,
      remedy: isNamesake
        ? "the authority was made anew since: make the certificate anew, too"
        : "name the authority that has, or make the certificate anew",
    },
  ];
}

const isSignedBy = (certificate: X509Certificate, authority: X509Certificate): boolean =>
  certificate.checkIssued(authority) && certificate.verify(authority.publicKey);

function examineHost({ cert, host }: CertificateSet, leaf: X509Certificate): readonly CertificateFinding[] {
  if (host === undefined || isCertificateOf(leaf, host)) return [];
  return [
    {
      severity: "refused",
      part: "cert",
      file: cert.path,
      sentence: `it is not for ${host}; it is for ${namesOf(leaf)}`,
      remedy: `connect by one of its names, or make it anew with ${host} among them`,
    },
  ];
}

function wordsOf(leaf: X509Certificate, now: number): string {
  const days = daysLeft(leaf, now);
  const until = `until ${dayOf(endsAt(leaf))} (${days} days)`;
  return isOfClient(leaf) || leaf.subjectAltName === undefined
    ? `${subjectOf(leaf)}, ${until}`
    : `${subjectOf(leaf)}, ${until}; for ${namesOf(leaf)}`;
}

/** `db1, 10.0.0.1` */
function namesOf(leaf: X509Certificate): string {
  const { subjectAltName } = leaf;
  if (subjectAltName === undefined) return `${subjectOf(leaf)} (no SAN)`;
  return subjectAltName.replace(/(?:DNS|IP Address):/g, "");
}
