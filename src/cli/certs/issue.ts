/**
 * cli/certs/: makes an authority and certificates signed by it, for a database fleet that has no authority yet.
 *
 *   init ─▶ ca-cert.pem, ca-key.pem ─┬─ server NAME… ─▶ server-cert.pem, server-key.pem
 *                                    └─ client NAME  ─▶ client-cert.pem, client-key.pem
 */
// The library's dependency injection asks for it, and it must come first.
import "reflect-metadata";
import { randomBytes, type webcrypto, X509Certificate } from "node:crypto";
import { isIP } from "node:net";
import * as x509 from "@peculiar/x509";
import { DAY_MS, endsAt, subjectOf } from "../../config/tls/certificate.ts";
import { SluiceError } from "../../errors/sluice-error.ts";
import { type KeyKind, loadSigningKey, makeKey, type SigningKey } from "./key-pair.ts";

/** A certificate and its key, as PEM. */
export interface IssuedCertificate {
  readonly cert: string;
  readonly key: string;
}

export interface Authority {
  readonly certificate: X509Certificate;
  readonly signing: SigningKey;
}

export interface Lifetime {
  /** ms since 1970 */
  readonly now: number;
  readonly days: number;
}

/** The longest name X.520 allows in a CN. */
const MAX_COMMON_NAME = 64;
/** Hosts whose clock is a little behind accept a new certificate, too. */
const HEAD_START_MS = 60 * 60 * 1000;

export async function issueAuthority(
  name: string,
  kind: KeyKind,
  lifetime: Lifetime,
): Promise<IssuedCertificate> {
  const { pair, signing, pem } = await makeKey(kind);
  const subject = nameOf(name);
  const extensions = [
    new x509.BasicConstraintsExtension(true, 0, true),
    new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign, true),
    await x509.SubjectKeyIdentifierExtension.create(pair.publicKey),
  ];
  const cert = await sign({
    subject,
    issuer: subject,
    publicKey: pair.publicKey,
    signing,
    lifetime,
    extensions,
  });
  return { cert, key: pem };
}

/** The authority of two PEM texts. Throws USAGE where they do not belong together. */
export async function loadAuthority(
  cert: { readonly path: string; readonly text: string },
  key: { readonly path: string; readonly text: string },
): Promise<Authority> {
  const certificate = parseCertificate(cert.text, cert.path);
  if (!certificate.ca)
    throw new SluiceError("USAGE", `${cert.path} is not the certificate of an authority (CA:FALSE)`);
  const signing = await loadSigningKey(key.text, key.path);
  return { certificate, signing };
}

/** For a server that is reached under each of `hosts`, names or addresses; the first is its CN. Throws REFUSED, USAGE. */
export async function issueForServer(
  hosts: readonly string[],
  authority: Authority,
  kind: KeyKind,
  lifetime: Lifetime,
): Promise<IssuedCertificate> {
  const alternatives = hosts.map(
    (host): x509.JsonGeneralName => ({ type: isIP(host) === 0 ? "dns" : "ip", value: host }),
  );
  // clientAuth as well: Galera nodes, and replicas, show it when they connect to each other.
  const purposes = [x509.ExtendedKeyUsage.serverAuth, x509.ExtendedKeyUsage.clientAuth];
  return await issueLeaf(hosts[0] ?? "", authority, kind, lifetime, purposes, [
    new x509.SubjectAlternativeNameExtension(alternatives),
  ]);
}

/** For a client: an account with REQUIRE SUBJECT is bound to its name. Throws REFUSED, USAGE. */
export async function issueForClient(
  name: string,
  authority: Authority,
  kind: KeyKind,
  lifetime: Lifetime,
): Promise<IssuedCertificate> {
  return await issueLeaf(name, authority, kind, lifetime, [x509.ExtendedKeyUsage.clientAuth], []);
}

async function issueLeaf(
  name: string,
  { certificate, signing }: Authority,
  kind: KeyKind,
  lifetime: Lifetime,
  purposes: readonly string[],
  more: readonly x509.Extension[],
): Promise<IssuedCertificate> {
  const issuer = new x509.X509Certificate(certificate.raw);
  const subject = nameOf(name);
  refuseAuthoritysName(name, certificate);
  refuseToOutlive(certificate, lifetime);
  const { pair, pem } = await makeKey(kind);
  const extensions = [
    new x509.BasicConstraintsExtension(false, undefined, true),
    new x509.KeyUsagesExtension(usagesOf(kind), true),
    new x509.ExtendedKeyUsageExtension([...purposes], false),
    await x509.SubjectKeyIdentifierExtension.create(pair.publicKey),
    await x509.AuthorityKeyIdentifierExtension.create(issuer),
    ...more,
  ];
  const issuerName = issuer.subjectName.toJSON();
  const cert = await sign({
    subject,
    issuer: issuerName,
    publicKey: pair.publicKey,
    signing,
    lifetime,
    extensions,
  });
  return { cert, key: pem };
}

/** RSA keys also encrypt the key exchange of TLS before 1.3 without (EC)DHE. */
const usagesOf = (kind: KeyKind): x509.KeyUsageFlags =>
  kind === "rsa"
    ? x509.KeyUsageFlags.digitalSignature | x509.KeyUsageFlags.keyEncipherment
    : x509.KeyUsageFlags.digitalSignature;

/** The trap of hand-made certificates: a certificate of its authority's name is taken for self-signed and refused. */
function refuseAuthoritysName(name: string, authority: X509Certificate): void {
  if (authority.subject !== `CN=${name}`) return;
  throw new SluiceError(
    "REFUSED",
    `the authority is called ${name} itself: OpenSSL and yaSSL would take the certificate for self-signed (error 18); choose another name`,
  );
}

function refuseToOutlive(authority: X509Certificate, { now, days }: Lifetime): void {
  const left = Math.floor((endsAt(authority) - now) / DAY_MS);
  if (days <= left) return;
  throw new SluiceError(
    "REFUSED",
    `the authority (${subjectOf(authority)}) has ${left} days left, and nothing of it can be valid for longer; give --days ${Math.max(1, left)}, or make a new authority`,
  );
}

interface ToSign {
  readonly subject: x509.JsonName;
  readonly issuer: x509.JsonName;
  readonly publicKey: webcrypto.CryptoKey;
  readonly signing: SigningKey;
  readonly lifetime: Lifetime;
  readonly extensions: x509.Extension[];
}

async function sign({ subject, issuer, publicKey, signing, lifetime, extensions }: ToSign): Promise<string> {
  const certificate = await x509.X509CertificateGenerator.create({
    serialNumber: newSerial(),
    subject,
    issuer,
    notBefore: new Date(lifetime.now - HEAD_START_MS),
    notAfter: new Date(lifetime.now + lifetime.days * DAY_MS),
    signingAlgorithm: signing.algorithm,
    publicKey,
    signingKey: signing.key,
    extensions,
  });
  return `${certificate.toString("pem")}\n`;
}

/** Random, so that no two certificates of an authority share one; positive, as RFC 5280 (4.1.2.2) wants it. */
function newSerial(): string {
  const bytes = randomBytes(16);
  bytes[0] = ((bytes[0] ?? 0) & 0x7f) | 0x40;
  return bytes.toString("hex");
}

function nameOf(name: string): x509.JsonName {
  if (name.length === 0 || name.length > MAX_COMMON_NAME)
    throw new SluiceError(
      "USAGE",
      `a name has 1 to ${MAX_COMMON_NAME} characters; put a longer one behind a shorter one`,
    );
  return [{ CN: [name] }];
}

function parseCertificate(pem: string, path: string): X509Certificate {
  try {
    return new X509Certificate(pem);
  } catch {
    throw new SluiceError("USAGE", `${path} holds no certificate`);
  }
}
