import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { execFileSync } from "node:child_process";
import { X509Certificate } from "node:crypto";
import fc from "fast-check";
import { MadeCertificates } from "../../../test/support/made-certificates.ts";
import { oneLineNames } from "./distinguished-name.ts";

let made: MadeCertificates;
beforeAll(() => {
  made = new MadeCertificates();
});
afterAll(() => made.remove());

/** The server compares with what this prints (X509_NAME_oneline). */
function byOpenssl(file: string): string {
  const args = ["x509", "-noout", "-subject", "-nameopt", "compat", "-in", made.path(file)];
  return execFileSync("openssl", args, { encoding: "utf8" })
    .trim()
    .replace(/^subject=\s*/, "");
}

describe("names on one line are OpenSSL's", () => {
  const SUBJECTS = [
    "/CN=plain",
    "/C=SE/ST=Skåne/L=Malmö/O=Example & Co/OU=a\\/b/CN=client\\+first, c/emailAddress=a@example.org",
    "/DC=org/DC=example/UID=42/serialNumber=7/GN=A/SN=B/title=Dr/CN=x",
    '/CN=with \\\\ backslash and "quotes"',
    "/1.2.3.4.5.6=unknown/CN=x",
  ];
  for (const subject of SUBJECTS) {
    test(subject, () => {
      made.issue("one", subject);
      const { raw } = new X509Certificate(made.text("one.crt"));
      expect(oneLineNames(raw)).toEqual({ subject: byOpenssl("one.crt"), issuer: "/CN=Test authority" });
    });
  }
});

test("any bytes are read, or refused with a RangeError", () => {
  const { raw } = new X509Certificate(made.text("ca.crt"));
  const cutOrChanged = fc.tuple(fc.nat(raw.length - 1), fc.nat(255), fc.boolean());
  fc.assert(
    fc.property(fc.oneof(fc.uint8Array({ maxLength: 300 }), cutOrChanged), (input) => {
      let bytes: Uint8Array;
      if (input instanceof Uint8Array) bytes = input;
      else {
        const [at, value, isCut] = input;
        bytes = Uint8Array.from(isCut ? raw.subarray(0, at) : raw);
        if (!isCut) bytes[at] = value;
      }
      try {
        oneLineNames(bytes);
      } catch (error) {
        expect(error).toBeInstanceOf(RangeError);
      }
    }),
    { numRuns: 2000 },
  );
});
