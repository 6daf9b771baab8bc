import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { chmodSync, chownSync, copyFileSync, mkdirSync } from "node:fs";
import { type Connection, createConnection } from "mariadb";
import { eventually } from "../eventually.ts";
import type { Certificate } from "../lab/certificates.ts";
import { FleetDaemon } from "../lab/fleet-daemon.ts";
import type { Host } from "../lab/host.ts";
import { Lab } from "../lab/lab.ts";
import { type Replication, startReplication } from "../lab/replication.ts";
import type { RunResult } from "../lab/run.ts";
import { startSluice } from "../lab/sluice.ts";

// Both legs of a service encrypted: real clients, the built executable, real servers that ask for TLS.

setDefaultTimeout(60_000);

const PORT = 4006;
const PASSWORD = "Kept out of argv 1!";

let lab: Lab;
let replication: Replication;
let proxy: Host;
let daemon: FleetDaemon;
let shown: Certificate;
let next: Certificate;
let client: Certificate;
const open: Connection[] = [];

beforeAll(async () => {
  lab = await Lab.create({ name: "tls" });
  [proxy, replication] = await Promise.all([lab.host("proxy"), startReplication(lab, { hasTls: true })]);
  const names = ["proxy", proxy.address];
  client = await lab.certificate("sluice");
  shown = await lab.certificate("shown", { names });
  next = await lab.certificate("next", { names });
  await replication.primary.sql(
    `CREATE USER maxmon_ssl@'%' IDENTIFIED BY '${PASSWORD}' REQUIRE X509;
     GRANT REPLICATION CLIENT, SLAVE MONITOR, REPLICA MONITOR ON *.* TO maxmon_ssl@'%';
     CREATE USER maxuser_ssl@'%' IDENTIFIED BY '${PASSWORD}' REQUIRE X509; GRANT ALL ON *.* TO maxuser_ssl@'%';
     CREATE USER appuser_ssl@'%' IDENTIFIED BY '${PASSWORD}' REQUIRE SSL; GRANT ALL ON *.* TO appuser_ssl@'%';
     CREATE USER known@'%' IDENTIFIED BY '${PASSWORD}' REQUIRE SUBJECT '/CN=sluice'; GRANT ALL ON *.* TO known@'%'`,
  );
  for (const replica of replication.replicas) await replication.untilCaughtUp(replica);
  use(shown);
  daemon = await FleetDaemon.start(proxy, `threads=2\n\n${configuration()}`);
  // Ports are served before all servers are known, if that takes long.
  await daemon.becomes({ db1: "Master, Running", db2: "Slave, Running", db3: "Slave, Running" });
  await eventually(async () => (await mysql("SELECT 1")).code === 0, {
    within: 30_000,
    what: "a first query",
  });
}, 120_000);

afterAll(async () => {
  for (const connection of open) connection.destroy();
  await lab?.destroy();
});

/** What the listener shows from now on. */
function use({ certificate, key }: Certificate): void {
  copyFileSync(certificate, proxy.path("/etc/listener-cert.pem"));
  copyFileSync(key, proxy.path("/etc/listener-key.pem"));
}

function configuration(): string {
  const tls = `ssl=true\nssl_ca=${client.authority}\nssl_cert=${client.certificate}\nssl_key=${client.key}`;
  const servers = replication.servers.map(
    ({ host, address, port }) =>
      `[${host.name}]\ntype=server\naddress=${address}\nport=${port}\n${tls}\nssl_verify_peer_certificate=true\nssl_verify_peer_host=true\n`,
  );
  const names = replication.servers.map(({ host }) => host.name).join(",");
  return `${servers.join("\n")}
[cluster]
type=monitor
module=mariadbmon
servers=${names}
user=maxmon_ssl
password=${PASSWORD}
monitor_interval=500ms

[rwsplit-service]
type=service
router=readwritesplit
cluster=cluster
user=maxuser_ssl
password=${PASSWORD}

[rwsplit-listener]
type=listener
service=rwsplit-service
address=0.0.0.0
port=${PORT}
ssl=true
ssl_cert=/etc/listener-cert.pem
ssl_key=/etc/listener-key.pem
ssl_ca=${client.authority}
`;
}

/** The mysql client, which verifies what the listener shows. */
function mysql(sql: string, user = "appuser_ssl", ...more: readonly string[]): Promise<RunResult> {
  const where = ["-h", proxy.address, "-P", String(PORT), "-u", user];
  const tls = [`--ssl-ca=${client.authority}`, "--ssl-verify-server-cert"];
  const env = { ...process.env, MYSQL_PWD: PASSWORD };
  return proxy.run(["mariadb", "--no-defaults", ...where, ...tls, ...more, "-BN", "-e", sql], {
    mayFail: true,
    env,
  });
}

async function connect(): Promise<Connection> {
  const connection = await createConnection({
    host: proxy.address,
    port: PORT,
    user: "appuser_ssl",
    password: PASSWORD,
    ssl: { rejectUnauthorized: false },
  });
  open.push(connection);
  return connection;
}

/** The name in the certificate that a new client is shown. */
async function nameShown(): Promise<string> {
  const where = ["-connect", `${proxy.address}:${PORT}`, "-CAfile", client.authority];
  const { stdout } = await proxy.run(["openssl", "s_client", "-starttls", "mysql", ...where], { stdin: "" });
  expect(stdout).toContain("Verify return code: 0 (ok)");
  return /subject=CN = (\S+)/.exec(stdout)?.[1] ?? stdout;
}

describe("both legs", () => {
  test("are encrypted, and reads go to the replicas in turn", async () => {
    const replicas = await Promise.all(replication.replicas.map((replica) => replica.variable("server_id")));
    const asked = await Promise.all(Array.from({ length: 12 }, () => mysql("SELECT @@server_id")));
    expect(asked.map(({ stderr }) => stderr).join("")).toBe("");
    expect([...new Set(asked.map(({ stdout }) => stdout.trim()))].sort()).toEqual(replicas.sort());
    const session = "information_schema.session_status WHERE variable_name = 'SSL_VERSION'";
    expect((await mysql(`SELECT variable_value FROM ${session}`)).stdout.trim()).toBe("TLSv1.3");
  });

  test("carry large packets both ways unchanged", async () => {
    const connection = await connect();
    const bytes = Buffer.alloc(5_000_000, "0123456789abcde");
    await connection.query("CREATE DATABASE IF NOT EXISTS app");
    await connection.query("CREATE OR REPLACE TABLE app.b (a LONGBLOB)");
    await connection.query("INSERT INTO app.b VALUES (?)", [bytes]);
    const [row] = await connection.query("SELECT a, MD5(a) AS sum FROM app.b FOR UPDATE");
    expect(Buffer.compare(row.a, bytes)).toBe(0);
    expect((await connection.query("SELECT LENGTH(REPEAT('x', 15000000)) AS n"))[0].n).toBe(15_000_000);
    expect((await connection.query("SELECT REPEAT('x', 15000000) AS x"))[0].x).toHaveLength(15_000_000);
  });
});

describe("who is let in", () => {
  test("nobody without TLS", async () => {
    const { code, stderr } = await proxy.run(
      [
        "mariadb",
        "--no-defaults",
        "-h",
        proxy.address,
        "-P",
        String(PORT),
        "-u",
        "appuser_ssl",
        "--skip-ssl",
        "-e",
        "SELECT 1",
      ],
      { mayFail: true, env: { ...process.env, MYSQL_PWD: PASSWORD } },
    );
    expect(code).toBe(1);
    expect(stderr).toContain("insecure transport");
  });

  test("an account with REQUIRE SUBJECT by its certificate only", async () => {
    const shows = [`--ssl-cert=${client.certificate}`, `--ssl-key=${client.key}`];
    expect(await mysql("SELECT 1", "known", ...shows)).toMatchObject({ code: 0 });
    expect((await mysql("SELECT 1", "known")).stderr).toContain("ERROR 1045");
    const other = await lab.certificate("other");
    const showsOther = [`--ssl-cert=${other.certificate}`, `--ssl-key=${other.key}`];
    expect((await mysql("SELECT 1", "known", ...showsOther)).stderr).toContain("ERROR 1045");
  });

  test("TLS 1.2 as well", async () => {
    expect(await mysql("SELECT 1", "appuser_ssl", "--tls-version=TLSv1.2")).toMatchObject({ code: 0 });
  });
});

test("new certificates are shown to new clients, and open sessions go on", async () => {
  const connection = await connect();
  await connection.query("SET @kept = 42");
  expect(await nameShown()).toBe("shown");
  use(next);
  expect((await daemon.command("reload")).code).toBe(0);
  expect(await nameShown()).toBe("next");
  expect(await connection.query("SELECT @kept AS kept")).toMatchObject([{ kept: 42n }]);
  use(shown);
  await eventually(async () => (await nameShown()) === "shown", {
    within: 30_000,
    what: "the old certificate",
  });
});

test("workers that may not read the key use it all the same", async () => {
  const host = await lab.host("unprivileged");
  copyFileSync(shown.certificate, host.path("/etc/listener-cert.pem"));
  copyFileSync(shown.key, host.path("/etc/listener-key.pem"));
  chmodSync(host.path("/etc/listener-key.pem"), 0o600);
  for (const folder of ["/var/tmp/state"]) {
    mkdirSync(host.path(folder));
    chownSync(host.path(folder), 65_534, 65_534);
  }
  const folders = "[sluice]\nthreads=1\ndatadir=/var/tmp/state\npersistdir=/var/tmp/state/persist\n";
  host.write("/etc/sluice.cnf", `${folders}${configuration()}`);
  const sluice = await startSluice(host, ["run", "--config", "/etc/sluice.cnf", "--run-as", "nobody"], {
    ports: [PORT],
  });
  const where = ["-h", host.address, "-P", String(PORT), "-u", "appuser_ssl", `--ssl-ca=${client.authority}`];
  const ask = () =>
    proxy.run(["mariadb", "--no-defaults", ...where, "-BN", "-e", "SELECT 'served'"], {
      mayFail: true,
      env: { ...process.env, MYSQL_PWD: PASSWORD },
    });
  await eventually(async () => (await ask()).stdout.trim() === "served", { within: 30_000, what: "a query" });
  const { stdout } = await host.run(["ps", "-o", "user=", "-C", "sluice"], { mayFail: true });
  expect(new Set(stdout.trim().split("\n"))).toEqual(new Set(["nobody"]));
  expect(sluice.output).not.toMatch(/certificates_failed|BEGIN/);
  await sluice.terminate();
});
