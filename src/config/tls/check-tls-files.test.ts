import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { chmodSync, writeFileSync } from "node:fs";
import { MadeCertificates } from "../../../test/support/made-certificates.ts";
import { memoryFiles } from "../../../test/support/memory-files.ts";
import { REAL_FILES } from "../file-access.ts";
import { loadConfiguration } from "../load-configuration.ts";
import { formatProblem } from "../problem.ts";
import { DAY_MS } from "./certificate.ts";
import { checkTlsFiles } from "./check-tls-files.ts";

let made: MadeCertificates;
beforeAll(() => {
  made = new MadeCertificates();
  made.issue("server", "/CN=server");
  made.issue("client", "/CN=client", { extensions: "extendedKeyUsage=clientAuth" });
  made.issue("namesake", "/CN=Test authority");
  for (const name of ["server", "client", "namesake"]) chmodSync(made.path(`${name}.key`), 0o600);
  writeFileSync(made.path("empty.pem"), "");
  writeFileSync(made.path("open.key"), made.text("server.key"), { mode: 0o644 });
});
afterAll(() => made.remove());

/** Lines of a listener's section, and what is found. Paths begin at the folder. */
function check(
  lines: string,
  now = Date.now(),
): { problems: readonly string[]; warnings: readonly string[] } {
  const inFolder = lines.replace(/=@/g, `=${made.folder}/`);
  const text = `[db1]\ntype=server\naddress=db1\n[s]\ntype=service\nrouter=readwritesplit\nservers=db1\nuser=u\npassword=p\n[l]\ntype=listener\nservice=s\nport=4006\nssl=true\n${inFolder}\n`;
  const result = loadConfiguration("/s.cnf", memoryFiles({ "/s.cnf": text }), {});
  if (!result.ok) throw new Error(result.problems.map(formatProblem).join("\n"));
  const { problems, warnings } = checkTlsFiles(result.configuration, REAL_FILES, now);
  const short = (sentence: string): string => sentence.replaceAll(`${made.folder}/`, "@");
  return {
    problems: problems.map((one) => short(formatProblem(one))),
    warnings: warnings.map((one) => short(one.message)),
  };
}

const GOOD = "ssl_cert=@server.crt\nssl_key=@server.key\nssl_ca=@ca.crt";

describe("what cannot be used is a problem with its line", () => {
  const CASES: readonly (readonly [what: string, lines: string, problem: string])[] = [
    [
      "a missing file",
      "ssl_cert=@gone.crt\nssl_key=@server.key",
      "/s.cnf:15: [l] ssl_cert: there is no file @gone.crt; name a file that this user can read",
    ],
    [
      "an empty file",
      "ssl_cert=@empty.pem\nssl_key=@server.key",
      "/s.cnf:15: [l] ssl_cert=@empty.pem: there is no certificate in it: it is not PEM, or empty; name the file of the certificate",
    ],
    [
      "the key as certificate",
      "ssl_cert=@server.key\nssl_key=@server.key",
      "[l] ssl_cert=@server.key: there is no certificate in it: it holds a private key",
    ],
    [
      "another's key",
      "ssl_cert=@server.crt\nssl_key=@client.key",
      "/s.cnf:16: [l] ssl_key=@client.key: it is not the key of the certificate @server.crt",
    ],
    [
      "the certificate as key",
      "ssl_cert=@server.crt\nssl_key=@server.crt",
      "[l] ssl_key=@server.crt: it holds a certificate and no key",
    ],
    [
      "an authority that is none",
      `${GOOD.replace("@ca.crt", "@empty.pem")}`,
      "/s.cnf:17: [l] ssl_ca=@empty.pem: there is no certificate in it",
    ],
    [
      "revoked certificates that are none",
      `${GOOD}\nssl_crl=@ca.crt`,
      "[l] ssl_crl=@ca.crt: there is no list of revoked certificates in it",
    ],
    ["ciphers that are none", `${GOOD}\nssl_cipher=NOTHING`, "/s.cnf:18: [l] ssl_cipher: "],
  ];
  for (const [what, lines, problem] of CASES) {
    test(what, () => {
      const { problems } = check(lines);
      expect(problems).toHaveLength(1);
      expect(problems[0]).toContain(problem);
    });
  }
});

describe("what others may refuse is a warning", () => {
  test("nothing is said of what is right", () => {
    expect(check(GOOD)).toEqual({ problems: [], warnings: [] });
    expect(check(`${GOOD}\nssl_version=TLSv12,TLSv13\nssl_cipher=ECDHE-ECDSA-AES128-GCM-SHA256`)).toEqual({
      problems: [],
      warnings: [],
    });
  });

  test("dates", () => {
    const day = (days: number): number => Date.now() + days * DAY_MS;
    expect(check(GOOD, day(89.5)).warnings[0]).toMatch(
      /^@server.crt: CN=server expires on [-\d]+, in 0 days; replace it before that day$/,
    );
    expect(check(GOOD, day(91)).warnings[0]).toMatch(/^@server.crt: CN=server expired on /);
    expect(check(GOOD, day(-2)).warnings[0]).toMatch(/^@server.crt: CN=server is valid from [-\d]+ only; /);
  });

  test("a key that all can read", () => {
    expect(check(GOOD.replace("@server.key", "@open.key")).warnings).toEqual([
      "@open.key: every user of this host can read the private key; chmod 600 @open.key",
    ]);
  });

  test("a name that is the authority's, and a client's certificate before clients", () => {
    expect(check("ssl_cert=@namesake.crt\nssl_key=@namesake.key").warnings[0]).toContain(
      'it is taken for self-signed ("error 18")',
    );
    expect(check("ssl_cert=@client.crt\nssl_key=@client.key").warnings[0]).toContain(
      "it is a client's certificate, shown to clients",
    );
    expect(check("ssl_cert=@ca.crt\nssl_key=@ca.key").warnings[0]).toContain(
      "it is the certificate of an authority",
    );
  });
});

describe("parameters that do not go together", () => {
  const compile = (lines: string) => {
    const text = `[db1]\ntype=server\naddress=db1\n${lines}\n`;
    return loadConfiguration("/s.cnf", memoryFiles({ "/s.cnf": text }), {});
  };

  test("files that are named without ssl=true encrypt nothing, and that is said", () => {
    expect(compile("ssl_ca=/ca.pem").warnings.map(({ message }) => message)).toEqual([
      "ssl_ca does nothing without ssl=true: connections are not encrypted",
    ]);
    expect(compile("ssl_ca=/ca.pem\nssl=true").warnings).toEqual([]);
    expect(compile("ssl_ca=/ca.pem\nssl=false").warnings).toEqual([]);
  });

  test("clients cannot be verified without authorities", () => {
    const listener = "[l]\ntype=listener\nservice=s\nport=4006\nssl=true\nssl_cert=/c\nssl_key=/k\n";
    const service = "[s]\ntype=service\nrouter=readwritesplit\nservers=db1\nuser=u\npassword=p\n";
    const result = compile(`${service}${listener}ssl_verify_peer_certificate=true`);
    expect(result.ok ? [] : result.problems.map(formatProblem)).toEqual([
      expect.stringContaining("[l] ssl_verify_peer_certificate: it is given without ssl_ca; add ssl_ca"),
    ]);
  });
});
