import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const EC = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"];

/** Certificates made with openssl, for unit tests: an authority `ca`, and what is asked for. */
export class MadeCertificates {
  readonly folder = mkdtempSync(join(tmpdir(), "sluice-certs-"));
  #serial = 0;

  constructor() {
    this.authority("ca", "/CN=Test authority");
  }

  path(file: string): string {
    return join(this.folder, file);
  }

  text(file: string): string {
    return readFileSync(this.path(file), "utf8");
  }

  authority(name: string, subject: string): void {
    const files = ["-keyout", this.path(`${name}.key`), "-out", this.path(`${name}.crt`)];
    this.#openssl("req", "-x509", ...EC, ...files, "-days", "90", "-subj", subject);
  }

  /** `extensions` are lines of an openssl configuration. */
  issue(
    name: string,
    subject: string,
    {
      extensions = "subjectAltName=DNS:localhost,IP:127.0.0.1",
      authority = "ca",
      days = 90,
      key = EC,
      serial = ++this.#serial,
    }: {
      readonly extensions?: string;
      readonly authority?: string;
      readonly days?: number;
      readonly key?: readonly string[];
      readonly serial?: number;
    } = {},
  ): void {
    const request = ["-keyout", this.path(`${name}.key`), "-out", this.path(`${name}.csr`)];
    this.#openssl("req", "-utf8", ...key, ...request, "-subj", subject);
    writeFileSync(this.path(`${name}.ext`), `${extensions}\n`);
    const signer = ["-CA", this.path(`${authority}.crt`), "-CAkey", this.path(`${authority}.key`)];
    const more = ["-set_serial", String(serial), "-days", String(days), "-extfile", this.path(`${name}.ext`)];
    const files = ["-in", this.path(`${name}.csr`), "-out", this.path(`${name}.crt`)];
    this.#openssl("x509", "-req", ...files, ...signer, ...more);
  }

  /** A list of revoked certificates of `ca`, with these in it. */
  revoke(file: string, names: readonly string[]): void {
    writeFileSync(this.path("index.txt"), "");
    const config = `[ca]\ndefault_ca=d\n[d]\ndatabase=${this.path("index.txt")}\ndefault_md=sha256\ndefault_crl_days=30\ncertificate=${this.path("ca.crt")}\nprivate_key=${this.path("ca.key")}\n`;
    writeFileSync(this.path("ca.cnf"), config);
    for (const name of names)
      this.#openssl("ca", "-config", this.path("ca.cnf"), "-revoke", this.path(`${name}.crt`));
    this.#openssl("ca", "-config", this.path("ca.cnf"), "-gencrl", "-out", this.path(file));
  }

  remove(): void {
    rmSync(this.folder, { recursive: true });
  }

  #openssl(...args: string[]): void {
    execFileSync("openssl", args, { stdio: ["ignore", "ignore", "pipe"] });
  }
}
