import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { appendFileSync } from "node:fs";
import { MadeCertificates } from "../../../test/support/made-certificates.ts";
import { DAY_MS } from "../../config/tls/certificate.ts";
import type { PemFile } from "../../config/tls/examine-certificates.ts";
import { type CertificateSet, verifySet, verifyTogether } from "./verify-set.ts";

let made: MadeCertificates;
beforeAll(() => {
  made = new MadeCertificates();
  made.authority("stranger", "/CN=Stranger");
  made.authority("namesake", "/CN=Test authority");
  made.issue("server", "/CN=server");
  made.issue("client", "/CN=client", { extensions: "extendedKeyUsage=clientAuth" });
  made.issue("foreign", "/CN=foreign", { authority: "stranger" });
  made.issue("earlier", "/CN=earlier", { authority: "namesake" });
  made.issue("between", "/CN=Between", { extensions: "basicConstraints=critical,CA:TRUE" });
  made.issue("below", "/CN=below", { authority: "between" });
  appendFileSync(made.path("below.crt"), made.text("between.crt"));
  made.issue("cn-only", "/CN=cn-only", { extensions: "basicConstraints=CA:FALSE" });
  made.issue("short", "/CN=short", { key: ["-newkey", "rsa:1024", "-nodes"] });
  made.issue("seven", "/CN=seven", { serial: 7_000 });
  made.issue("again", "/CN=again", { serial: 7_000 });
});
afterAll(() => made.remove());

const pem = (path: string): PemFile => ({ path, text: made.text(path), mode: 0o600 });

/** `severity sentence` of each finding. */
function found(name: string, more: Partial<CertificateSet> = {}, now = Date.now()): readonly string[] {
  const set = {
    cert: pem(`${name}.crt`),
    key: pem(`${name}.key`),
    ca: pem("ca.crt"),
    host: undefined,
    ...more,
  };
  return verifySet(set, now).findings.map(({ severity, sentence }) => `${severity} ${sentence}`);
}

describe("a set that belongs together", () => {
  test("has nothing wrong, with certificates in between or without", () => {
    for (const name of ["server", "client", "below"])
      expect({ name, found: found(name) }).toEqual({ name, found: [] });
    expect(found("server", { host: "127.0.0.1" })).toEqual([]);
  });

  test("is told in one line", () => {
    const set = { cert: pem("server.crt"), key: undefined, ca: pem("ca.crt"), host: undefined };
    expect(verifySet(set, Date.now()).words).toMatch(
      /^CN=server, until [-\d]+ \(89 days\); for localhost, 127\.0\.0\.1$/,
    );
  });
});

describe("what would keep it from working", () => {
  test("another authority, or an earlier one of the same name", () => {
    expect(found("foreign")).toEqual(["refused no authority in ca.crt has signed it; CN=Stranger has"]);
    expect(found("earlier")).toEqual([
      "refused an authority called CN=Test authority has signed it, but not with the key of the one in ca.crt",
    ]);
  });

  test("dates, of it and of the authority", () => {
    const later = found("server", {}, Date.now() + 100 * DAY_MS);
    expect(later).toEqual([
      expect.stringContaining("CN=server expired on"),
      expect.stringContaining("CN=Test authority expired on"),
    ]);
  });

  test("another host", () => {
    expect(found("server", { host: "db9" })).toEqual([
      "refused it is not for db9; it is for localhost, 127.0.0.1",
    ]);
  });

  test("no SAN, a short key, another's key", () => {
    expect(found("cn-only")).toEqual([expect.stringContaining("risk it names its host in the CN only")]);
    expect(found("short")).toEqual([expect.stringContaining("refused its RSA key has 1024 bits")]);
    expect(found("server", { key: pem("client.key") })).toEqual([
      "unusable it is not the key of the certificate server.crt",
    ]);
  });

  test("a serial number twice", () => {
    const files = ["seven.crt", "server.crt", "again.crt"].map(pem);
    expect(verifyTogether(files).map(({ file, sentence }) => `${file}: ${sentence}`)).toEqual([
      expect.stringContaining("again.crt: it has the serial number of seven.crt"),
    ]);
  });
});
