import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { statSync } from "node:fs";
import type { Host } from "../lab/host.ts";
import { Lab } from "../lab/lab.ts";
import { MariaDb } from "../lab/maria-db.ts";
import type { RunResult } from "../lab/run.ts";
import { runSluice } from "../lab/sluice.ts";

// `sluice certs` as docs/tls.md has it, and what openssl, a real server and the mysql client say to what it makes.

setDefaultTimeout(60_000);

const DIRECTORY = "/etc/my.cnf.d/certs";
const file = (name: string): string => `${DIRECTORY}/${name}.pem`;

let lab: Lab;
let host: Host;
let server: MariaDb;

const certs = (...args: string[]): Promise<RunResult> =>
  runSluice(host, ["certs", ...args], { mayFail: true });

/** The mysql client over TCP, by a name or address of the server. */
function mysql(to: string, ...args: string[]): Promise<RunResult> {
  const where = ["-h", to, "-P", String(server.port), "-u", "app", "-psecret"];
  const tls = ["--ssl-verify-server-cert", `--ssl-ca=${file("ca-cert")}`];
  const ask = ["-N", "-e", "SELECT @@version_comment <> ''; SHOW STATUS LIKE 'Ssl_version'"];
  return host.run(["mariadb", "--no-defaults", ...where, ...tls, ...args, ...ask], { mayFail: true });
}

beforeAll(async () => {
  lab = await Lab.create({ name: "certs" });
  host = await lab.host("box01");
  expect(await certs("init", "--dir", DIRECTORY)).toMatchObject({ code: 0 });
  expect(await certs("server", "box01", host.address, "--out", "box01", "--dir", DIRECTORY)).toMatchObject({
    code: 0,
  });
  expect(await certs("client", "sluice", "--dir", DIRECTORY)).toMatchObject({ code: 0 });
  await host.run(["chown", "mysql:", file("box01-key")]);
  server = await MariaDb.start(host, {
    options: { ssl_ca: file("ca-cert"), ssl_cert: file("box01-cert"), ssl_key: file("box01-key") },
  });
  await server.sql("CREATE USER app@'%' IDENTIFIED BY 'secret' REQUIRE SSL");
}, 120_000);

afterAll(async () => {
  await lab.destroy();
});

describe("what it makes", () => {
  test("verifies with openssl, by name and by purpose", async () => {
    const verified = await host.run([
      "openssl",
      "verify",
      "-CAfile",
      file("ca-cert"),
      file("box01-cert"),
      file("client-cert"),
    ]);
    expect(verified.stdout).toBe(`${file("box01-cert")}: OK\n${file("client-cert")}: OK\n`);
    const asServer = [
      "-purpose",
      "sslserver",
      "-verify_ip",
      host.address,
      "-x509_strict",
      file("box01-cert"),
    ];
    await host.run(["openssl", "verify", "-CAfile", file("ca-cert"), ...asServer]);
    await host.run([
      "openssl",
      "verify",
      "-CAfile",
      file("ca-cert"),
      "-purpose",
      "sslclient",
      "-x509_strict",
      file("client-cert"),
    ]);
  });

  test("has keys for their owner only, and is never overwritten", async () => {
    for (const name of ["ca-key", "box01-key", "client-key"])
      expect(statSync(host.path(file(name))).mode & 0o777).toBe(0o600);
    const again = await certs("server", "box01", "--out", "box01", "--dir", DIRECTORY);
    expect(again.code).toBe(1);
    expect(again.stderr).toContain(`${file("box01-cert")} is there already, and is never overwritten`);
    expect((await certs("init", "--dir", DIRECTORY)).code).toBe(1);
  });

  test("never has its authority's name", async () => {
    expect(await certs("init", "--dir", "/etc/same", "--name", "WB")).toMatchObject({ code: 0 });
    const same = await certs("server", "WB", "--dir", "/etc/same");
    expect(same.code).toBe(1);
    expect(same.stderr).toContain("the authority is called WB itself");
    expect(same.stderr).toContain("error 18");
  });

  test("can be RSA, of an authority made with openssl genrsa", async () => {
    const make = [
      "mkdir -p /etc/rsa && cd /etc/rsa",
      "openssl genrsa -traditional 2048 > ca-key.pem",
      "openssl req -new -x509 -nodes -days 9999 -key ca-key.pem -subj /O=WBC/CN=WB > ca-cert.pem",
    ];
    await host.run(["sh", "-c", make.join(" && ")]);
    expect(
      await certs("server", "db", "10.0.0.9", "::1", "--key-type", "rsa", "--dir", "/etc/rsa"),
    ).toMatchObject({ code: 0 });
    await host.run([
      "openssl",
      "verify",
      "-CAfile",
      "/etc/rsa/ca-cert.pem",
      "-verify_ip",
      "::1",
      "/etc/rsa/server-cert.pem",
    ]);
  });
});

describe("a real server with it", () => {
  test("is verified by the mysql client, by name and by address", async () => {
    const { code, stdout, stderr } = await mysql(host.address);
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    expect(stdout).toContain("TLSv1.3");
  });

  test("is refused under a name it is not for", async () => {
    const { code, stderr } = await mysql("127.0.0.1");
    expect(code).toBe(1);
    expect(stderr).toContain("ERROR 2026");
  });

  test("knows the client by its certificate", async () => {
    const printed = await certs("client", "other", "--out", "other", "--dir", DIRECTORY);
    const [, issuer = ""] = /ISSUER '([^']+)'/.exec(printed.stdout) ?? [];
    await server.sql(
      `CREATE USER app@'${host.address}' IDENTIFIED BY 'secret' REQUIRE SUBJECT '/CN=sluice' AND ISSUER '${issuer}'`,
    );
    const shown = (name: string): string[] => [
      `--ssl-cert=${file(`${name}-cert`)}`,
      `--ssl-key=${file(`${name}-key`)}`,
    ];
    expect(await mysql(host.address, ...shown("client"))).toMatchObject({ code: 0 });
    expect((await mysql(host.address, ...shown("other"))).stderr).toContain("ERROR 1045");
    expect((await mysql(host.address)).stderr).toContain("ERROR 1045");
    await server.sql(`DROP USER app@'${host.address}'`);
  });
});

describe("certs verify", () => {
  test("finds nothing wrong with them", async () => {
    const { code, stdout } = await certs("verify", DIRECTORY);
    expect({ code, stdout }).toMatchObject({ code: 0 });
    expect(stdout).toMatch(
      /^ok {5}.*box01-cert\.pem: CN=box01, until \d{4}-\d\d-\d\d \(729 days\); for box01, /m,
    );
    expect(stdout).not.toMatch(/ERROR|warn/);
  });

  test("names the mistakes of source 001's way of making them", async () => {
    const subject = "-subj /C=BR/ST=MG/L=BH/O=WBC/OU=WB/CN=WB";
    const make = [
      "umask 022; mkdir -p /etc/hand && cd /etc/hand",
      "openssl genrsa 2048 > ca-key.pem",
      `openssl req -new -x509 -nodes -days 9999 -key ca-key.pem ${subject} > ca-cert.pem`,
      `openssl req -newkey rsa:2048 -nodes -keyout server-key.pem ${subject} > server-req.pem`,
      "openssl x509 -req -in server-req.pem -days 3600 -CA ca-cert.pem -CAkey ca-key.pem -set_serial 01 -out server-cert.pem",
      "openssl req -newkey rsa:2048 -nodes -keyout client-key.pem -out client-req.pem -subj /CN=client",
      "openssl x509 -req -in client-req.pem -days 3600 -CA ca-cert.pem -CAkey ca-key.pem -set_serial 01 -out client-cert.pem",
      "chmod 644 *.pem",
    ];
    await host.run(["sh", "-c", make.join(" && ")]);
    const { code, stdout } = await certs("verify", "/etc/hand");
    expect(code).toBe(1);
    expect(stdout).toContain(
      'server-cert.pem: its name (CN=WB, OU=WB, O=WBC, L=BH, ST=MG, C=BR) is also its authority\'s: it is taken for self-signed ("error 18")',
    );
    expect(stdout).toContain("it has the serial number of");
    expect(stdout).toContain("every user of this host can read the private key");
    expect(stdout).toContain("→ chmod 600 /etc/hand/server-key.pem");
  });

  test("says which host a certificate is for, and whose key does not fit", async () => {
    const args = ["--ca", file("ca-cert"), "--cert", file("box01-cert"), "--key", file("client-key")];
    const { code, stdout } = await certs("verify", ...args, "--host", "box02");
    expect(code).toBe(1);
    expect(stdout).toContain(`it is not the key of the certificate ${file("box01-cert")}`);
    expect(stdout).toContain(`it is not for box02; it is for box01, ${host.address}`);
  });
});
