import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { mkdirSync, writeFileSync } from "node:fs";
import { eventually } from "../eventually.ts";
import type { Certificate } from "../lab/certificates.ts";
import type { Host } from "../lab/host.ts";
import { Lab } from "../lab/lab.ts";
import { MariaDb } from "../lab/maria-db.ts";
import { runSluice, startSluice } from "../lab/sluice.ts";
import { agentSays } from "../support/agent-says.ts";

// Every way to a server, and the exact reason where there is none: TLS, IPv6, option files, names, routes, limits.

const PASSWORD = "Kept out of argv 1!";

setDefaultTimeout(60_000);

let lab: Lab;
/** Where the checks are made. */
let host: Host;
/** A server that offers TLS, on another host. */
let secure: MariaDb;
/** One that does not, and resolves the names of its clients. */
let plain: MariaDb;
let client: Certificate;

beforeAll(async () => {
  lab = await Lab.create({ name: "agent-connection" });
  const [checker, one, two] = await Promise.all([lab.host("checker"), lab.host("secure"), lab.host("plain")]);
  host = checker;
  [secure, plain] = await Promise.all([
    MariaDb.start(one, { hasTls: true }),
    MariaDb.start(two, { options: { skip_name_resolve: false } }),
  ]);
  client = await lab.certificate("client");
  await secure.sql(
    `CREATE USER mon@'%' IDENTIFIED BY '${PASSWORD}' REQUIRE SSL; CREATE USER certified@'%' REQUIRE X509`,
  );
  await plain.sql(
    `CREATE USER mon@'%' IDENTIFIED BY '${PASSWORD}'; CREATE USER limited@'%' WITH MAX_USER_CONNECTIONS 1`,
  );
  for (const file of ["/etc/my.cnf", "/etc/mysql/my.cnf"]) host.write(file, "");
  host.write("/etc/nsswitch.conf", "hosts: files dns\n");
  host.write("/etc/resolv.conf", "nameserver 127.0.0.1\noptions timeout:1 attempts:1\n");
});

afterAll(async () => {
  await lab.destroy();
});

interface Answer {
  readonly up: boolean;
  readonly code: string;
  readonly sentence: string;
}

/** What a check from the other host finds, as an account of its own. */
async function check(...flags: readonly string[]): Promise<Answer> {
  const args = ["check", "--format", "json", "--timeout", "5s", "--profile", "standalone", ...flags];
  const { stdout, stderr } = await runSluice(host, args, {
    mayFail: true,
    env: { SLUICE_USER: "mon", SLUICE_PASSWORD: PASSWORD },
  });
  if (stdout === "") throw new Error(stderr);
  const { up, code, sentence } = JSON.parse(stdout) as Answer;
  return { up, code, sentence };
}

const UP: Answer = { up: true, code: "STANDALONE_HEALTHY", sentence: "the server answers queries" };

describe("TLS", () => {
  const at = (name: string): string[] => ["--host", name];

  test("with and without verification", async () => {
    expect(await check(...at("secure"), "--ssl")).toEqual(UP);
    expect(await check(...at("secure"), "--ssl-ca", client.authority)).toEqual(UP);
    const verified = ["--ssl-ca", client.authority, "--ssl-verify-server-cert"];
    expect(await check(...at("secure"), ...verified)).toEqual(UP);
    expect(await check(...at(secure.address), ...verified)).toEqual(UP);
    expect(await check(...at(secure.host.address6), ...verified)).toEqual(UP);
  });

  test("a certificate of its own, where the account needs one", async () => {
    const flags = [...at("secure"), "--user", "certified", "--ssl-ca", client.authority];
    const { code, sentence } = await check(...flags);
    expect(code).toBe("PROBE_AUTH_DENIED");
    expect(sentence).toContain("error 1045: Access denied for user 'certified'");
    const certificate = ["--ssl-cert", client.certificate, "--ssl-key", client.key];
    const args = ["check", ...flags, ...certificate];
    const { stdout } = await runSluice(host, args, { mayFail: true, env: { SLUICE_PASSWORD: "" } });
    expect(stdout).toBe("up STANDALONE_HEALTHY: the server answers queries\n");
  });

  test("an account that needs TLS, and a check that has none", async () => {
    expect((await check(...at("secure"), "--no-ssl")).code).toBe("PROBE_AUTH_DENIED");
  });

  test("a server that offers none", async () => {
    expect(await check(...at("plain"), "--ssl")).toEqual({
      up: false,
      code: "PROBE_TLS_NOT_OFFERED",
      sentence: "plain:3306 does not offer TLS",
    });
  });

  test("signed by somebody else", async () => {
    const { authority } = await lab.certificate("stranger", { authority: "nobody-trusts" });
    const { code, sentence } = await check(...at("secure"), "--ssl-ca", authority);
    expect(code).toBe("PROBE_TLS_CERTIFICATE");
    expect(sentence).toMatch(/^the certificate of secure:3306 was not accepted \(.*(issuer|self.signed)/i);
  });

  test("for another name", async () => {
    const flags = ["--ssl-ca", client.authority, "--ssl-verify-server-cert"];
    // The server's certificate names neither the other host nor its addresses.
    const relay = await plain.host.spawn([
      "socat",
      "TCP-LISTEN:3307,fork,reuseaddr",
      `TCP:${secure.address}:3306`,
    ]);
    await plain.host.untilListening(relay, [3307]);
    const { code, sentence } = await check(...at("plain"), "--port", "3307", ...flags);
    expect(code).toBe("PROBE_TLS_CERTIFICATE");
    expect(sentence).toContain("plain");
    expect(await check(...at(plain.address), "--port", "3307", ...flags)).toMatchObject({
      code: "PROBE_TLS_CERTIFICATE",
      sentence: expect.stringContaining(`IP: ${plain.address} is not in the cert's list`),
    });
    expect(await check(...at("plain"), "--port", "3307", "--ssl-ca", client.authority)).toEqual(UP);
    await relay.terminate();
  });

  test("out of date", async () => {
    await lab.certificate("secure", { names: ["secure"], days: -1 }); // in the place of the server's own
    await secure.sql("FLUSH SSL");
    const { code, sentence } = await check(...at("secure"), "--ssl-ca", client.authority);
    expect({ code, sentence }).toEqual({
      code: "PROBE_TLS_CERTIFICATE",
      sentence: expect.stringMatching(/expired/),
    });
    await lab.certificate("secure", { names: ["secure"] });
    await secure.sql("FLUSH SSL");
    expect(await check(...at("secure"), "--ssl-ca", client.authority)).toEqual(UP);
  });

  test("a file that is not there", async () => {
    await expect(check(...at("secure"), "--ssl-ca", "/gone.pem")).rejects.toThrow(
      "the certificate or key file /gone.pem does not exist",
    );
  });
});

describe("option files", () => {
  test("--defaults-extra-file with !include and !includedir: the whole way to the server", async () => {
    const folder = `${host.folder}/mysql`;
    mkdirSync(`${folder}/conf.d`, { recursive: true });
    const file = (name: string, text: string): void =>
      writeFileSync(`${folder}/${name}`, text, { mode: 0o600 });
    file("extra.cnf", `!include ${folder}/place.cnf\n!includedir ${folder}/conf.d\n`);
    file("place.cnf", "[client]\nhost = secure\nport = 3306\nuser = nobody-yet\n");
    file("conf.d/account.cnf", `[client]\nuser = mon\npassword = "${PASSWORD}"\n`);
    file("conf.d/tls.cnf", `[client]\nssl-ca = ${client.authority}\nssl-verify-server-cert\n`);
    file("conf.d/ignored.txt", "[client]\nuser = wrong\n");
    const flags = [
      "--name",
      "db",
      "--defaults-extra-file",
      `${folder}/extra.cnf`,
      "--monitor-interval",
      "200ms",
    ];
    const agent = await startSluice(host, ["agent", ...flags, "--state-dir", `${host.folder}/state`], {
      ports: [9200],
    });
    await agentSays(host, "STANDALONE_HEALTHY");
    const sessions = await secure.sql("SHOW STATUS LIKE 'Ssl_accepts'");
    expect(Number(sessions[0]?.["Value"])).toBeGreaterThan(0);
    // A changed password needs no restart: the file is read at each login.
    await secure.sql("ALTER USER mon@'%' IDENTIFIED BY 'another one'");
    await secure.restart();
    await agentSays(host, "PROBE_AUTH_DENIED");
    file("conf.d/account.cnf", "[client]\nuser = mon\npassword = another one\n");
    await agentSays(host, "STANDALONE_HEALTHY");
    await secure.sql(`ALTER USER mon@'%' IDENTIFIED BY '${PASSWORD}'`);
    expect(await agent.terminate()).toMatchObject({ code: 0 });
  });
});

describe("IPv6", () => {
  test("to the server, and from the balancer", async () => {
    const address = secure.host.address6;
    expect(await check("--host", address, "--ssl")).toEqual(UP);
    const refused = await check("--host", address, "--port", "1");
    expect(refused).toMatchObject({ sentence: `connection refused by [${address}]:1` });
    const agent = await startSluice(
      host,
      [
        "agent",
        "--name",
        "db",
        "--host",
        address,
        "--user",
        "mon",
        "--ssl",
        "--state-dir",
        `${host.folder}/state`,
      ],
      { ports: [9200], env: { SLUICE_PASSWORD: PASSWORD } },
    );
    await agentSays(host, "STANDALONE_HEALTHY", { family: 6 });
    await agentSays(host, "STANDALONE_HEALTHY", { family: 4 });
    await agent.terminate();
  });
});

describe("why there is no answer", () => {
  test("a name that does not resolve", async () => {
    expect(await check("--host", "nowhere.invalid")).toEqual({
      up: false,
      code: "PROBE_NAME_NOT_FOUND",
      sentence: "the host name of nowhere.invalid:3306 does not resolve",
    });
    host.write("/etc/nsswitch.conf", "hosts: files\n");
    expect((await check("--host", "nowhere.invalid")).code).toBe("PROBE_NAME_NOT_FOUND");
  });

  test("a network that no route leads to", async () => {
    expect(await check("--host", "198.51.100.7")).toEqual({
      up: false,
      code: "PROBE_NO_ROUTE",
      sentence: "no route to 198.51.100.7:3306",
    });
    expect((await check("--host", "2001:db8::7")).sentence).toBe("no route to [2001:db8::7]:3306");
  });

  test("a firewall that drops", async () => {
    await plain.host.drop({ port: 3306 });
    try {
      expect(await check("--host", "plain", "--timeout", "300ms")).toEqual({
        up: false,
        code: "PROBE_CONNECT_TIMEOUT",
        sentence: expect.stringMatching(/^no connection to plain:3306 within \d+ ms$/),
      });
    } finally {
      await plain.host.restore();
    }
  });

  test("a port of something else", async () => {
    const web = await plain.host.spawn([
      "socat",
      "TCP-LISTEN:8080,fork,reuseaddr",
      "SYSTEM:echo HTTP/1.1 400 Bad Request",
    ]);
    await plain.host.untilListening(web, [8080]);
    const { up, code } = await check("--host", "plain", "--port", "8080", "--timeout", "1s");
    expect({ up, code }).toEqual({
      up: false,
      code: expect.stringMatching(/^PROBE_(PROTOCOL|CONNECTION_LOST|LOGIN_TIMEOUT)$/),
    });
    await web.terminate();
  });

  test("a socket that is not there, and a file that is none", async () => {
    expect(await check("--socket", "/run/gone.sock")).toMatchObject({
      code: "PROBE_SOCKET_MISSING",
      sentence: expect.stringMatching(/^no server on \/run\/gone.sock /),
    });
    host.write("/run/file", "");
    expect(await check("--socket", "/run/file")).toMatchObject({
      code: expect.stringMatching(/PROBE_(REFUSED|SOCKET_MISSING)/),
    });
  });

  test("an account that may have no more connections", async () => {
    const first = await host.spawn([
      "mariadb",
      "--no-defaults",
      "-hplain",
      "-ulimited",
      "--unbuffered",
      "-Ne",
      "SELECT 'in'; DO SLEEP(600)",
    ]);
    await first.waitForOutput(/^in$/m);
    const { stdout } = await runSluice(host, ["check", "--host", "plain", "--user", "limited"], {
      mayFail: true,
    });
    expect(stdout).toMatch(
      /^down PROBE_TOO_MANY_CONNECTIONS: plain:3306 has no free connection \(error 1226: /,
    );
    first.killGroup();
  });

  test("a host that the server does not know, and one that it has blocked", async () => {
    await plain.sql("SET GLOBAL max_connect_errors = 1");
    const aborted = async (): Promise<number> => Number(await plain.status("Aborted_connects"));
    const before = await aborted();
    // Somebody's port check: it connects, and says nothing. The server has to notice that, for a login in time makes it forget.
    for (const _ of [1, 2, 3])
      await host.run(["bash", "-c", "exec 3<>/dev/tcp/plain/3306; head -c 1 <&3 >/dev/null"]);
    await eventually(async () => (await aborted()) > before, { what: "the errors to be counted" });
    const blocked = await check("--host", "plain");
    expect(blocked).toMatchObject({ up: false, code: "PROBE_HOST_BLOCKED" });
    expect(blocked.sentence).toMatch(
      /^plain:3306: error 1129: Host .* is blocked because of many connection errors/,
    );
    await plain.sql("FLUSH HOSTS");
    expect(await check("--host", "plain")).toEqual(UP);
    await plain.sql(
      "RENAME USER mon@'%' TO mon@localhost, limited@'%' TO limited@localhost; FLUSH PRIVILEGES",
    );
    expect(await check("--host", "plain")).toMatchObject({
      code: "PROBE_HOST_NOT_ALLOWED",
      sentence: expect.stringContaining("error 1130: "),
    });
  });
});
