import { randomBytes } from "node:crypto";
import { mkdirSync, writeFileSync } from "node:fs";
import { isIP } from "node:net";
import { join } from "node:path";
import { run } from "./run.ts";

/** Paths of PEM files, readable by every user: nothing here is a secret. */
export interface Certificate {
  readonly certificate: string;
  readonly key: string;
  /** The certificate of the authority that signed it. */
  readonly authority: string;
}

export interface CertificateSettings {
  /** Host names and addresses the certificate is for. */
  readonly names?: readonly string[];
  /** Default 30; a negative number makes one that ran out. */
  readonly days?: number;
  /** Labs may have several authorities, e.g. one nobody trusts. Default "lab". */
  readonly authority?: string;
}

const authorities = new Map<string, Promise<string>>();
const NEW_KEY = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"];

/** A certificate, for servers and clients alike. Two of one name in a lab overwrite each other. */
export async function issueCertificate(
  labFolder: string,
  name: string,
  { names = [name], days = 30, authority = "lab" }: CertificateSettings = {},
): Promise<Certificate> {
  const folder = join(labFolder, "tls");
  const issuer = join(folder, `${authority}-authority`);
  let made = authorities.get(issuer);
  if (!made) {
    made = makeAuthority(folder, issuer);
    authorities.set(issuer, made);
  }
  await made;
  const path = join(folder, name);
  const alternatives = names.map((one) => `${isIP(one) ? "IP" : "DNS"}:${one}`);
  writeFileSync(`${path}.ext`, `subjectAltName=${alternatives.join(",")}\n`);
  await run([
    "openssl",
    "req",
    "-new",
    ...NEW_KEY,
    "-subj",
    `/CN=${name}`,
    "-keyout",
    `${path}.key`,
    "-out",
    `${path}.csr`,
  ]);
  // A number of its own: the file that -CAcreateserial counts in is torn when two are issued at once.
  const serial = ["-set_serial", `0x${randomBytes(8).toString("hex")}`];
  const signed = ["-CA", `${issuer}.pem`, "-CAkey", `${issuer}.key`, ...serial, "-days", `${days}`];
  await run([
    "openssl",
    "x509",
    "-req",
    "-in",
    `${path}.csr`,
    ...signed,
    "-extfile",
    `${path}.ext`,
    "-out",
    `${path}.pem`,
  ]);
  await run(["chmod", "a+r", `${path}.key`]);
  return { certificate: `${path}.pem`, key: `${path}.key`, authority: `${issuer}.pem` };
}

async function makeAuthority(folder: string, path: string): Promise<string> {
  mkdirSync(folder, { recursive: true });
  const subject = ["-subj", "/CN=Authority of the lab", "-days", "30"];
  await run([
    "openssl",
    "req",
    "-x509",
    ...NEW_KEY,
    ...subject,
    "-keyout",
    `${path}.key`,
    "-out",
    `${path}.pem`,
  ]);
  return path;
}
