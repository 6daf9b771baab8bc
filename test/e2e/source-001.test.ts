// The set-up of a well-known article on MaxScale 2.1, value for value: certificates, GTID replication over TLS, a service that splits over TLS,
// up to `select @@server_id` answering 2 and then 3.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { copyFileSync, mkdirSync, readdirSync, readFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { eventually } from "../eventually.ts";
import type { Host } from "../lab/host.ts";
import { Lab } from "../lab/lab.ts";
import { MariaDb } from "../lab/maria-db.ts";
import type { Process } from "../lab/process.ts";
import type { RunResult } from "../lab/run.ts";
import { runSluice, startSluice } from "../lab/sluice.ts";

const CERTS = "/etc/my.cnf.d/certs";
const PEM = ["ca-cert", "client-cert", "client-key", "server-cert", "server-key"];
const FIXTURE = fileURLToPath(new URL("../fixtures/config/source-001", import.meta.url));
/** No file of secrets is there, so this is the password itself. */
const SERVICE_PASSWORD = "AF76BE841B5B4692D820A49298C00272";
const BOXES = ["box01", "box02", "box03"];

let lab: Lab;
let maxscale: Host;
let boxes: MariaDb[];
let sluice: Process;

beforeAll(async () => {
  lab = await Lab.create({ name: "source-001" });
  maxscale = await lab.host("maxscale");
  const hosts = await Promise.all(BOXES.map(async (name) => await lab.host(name)));
  await makeCertificates(hosts);
  boxes = await Promise.all(hosts.map(async (host, i) => await startBox(host, i + 1)));
  await replicate();
  await makeAccounts();
  await configure();
}, 120_000);

afterAll(async () => {
  await sluice?.terminate();
  await lab?.destroy();
});

/** On the proxy's host, one pair for all servers and one for all clients, as the article has them; the authority's key stays there. */
async function makeCertificates(hosts: readonly Host[]): Promise<void> {
  const names = hosts.flatMap((host) => [host.name, host.address]);
  const certs = async (...args: string[]): Promise<RunResult> =>
    await runSluice(maxscale, ["certs", ...args, "--dir", CERTS]);
  await certs("init");
  await certs("server", ...names, "--out", "server");
  await certs("server", maxscale.name, maxscale.address, "--out", "client");
  await maxscale.run([
    "openssl",
    "verify",
    "-CAfile",
    ...["ca", "server", "client"].map((name) => `${CERTS}/${name}-cert.pem`),
  ]);
  for (const host of hosts) {
    mkdirSync(host.path(CERTS), { recursive: true });
    for (const name of PEM)
      copyFileSync(maxscale.path(`${CERTS}/${name}.pem`), host.path(`${CERTS}/${name}.pem`));
    await host.run(["chown", "-R", "mysql:", CERTS]);
  }
}

async function startBox(host: Host, id: number): Promise<MariaDb> {
  const ssl = {
    ssl_ca: `${CERTS}/ca-cert.pem`,
    ssl_cert: `${CERTS}/server-cert.pem`,
    ssl_key: `${CERTS}/server-key.pem`,
  };
  return await MariaDb.start(host, {
    hasBinlog: true,
    options: { server_id: id, report_host: host.name, ...ssl },
  });
}

/** An account for each server, so that any may become the primary. */
async function replicate(): Promise<void> {
  const [box01, ...replicas] = boxes as [MariaDb, MariaDb, MariaDb];
  for (const { address } of boxes)
    await box01.sql(
      `CREATE USER repl_ssl@'${address}' IDENTIFIED BY '123456'; GRANT REPLICATION SLAVE, REPLICATION CLIENT ON *.* TO repl_ssl@'${address}' REQUIRE SSL`,
    );
  for (const replica of replicas)
    await replica.sql(
      `CHANGE MASTER TO MASTER_HOST='${box01.address}', MASTER_USER='repl_ssl', MASTER_PASSWORD='123456', MASTER_USE_GTID=SLAVE_POS,
       MASTER_SSL=1, MASTER_SSL_CA='${CERTS}/ca-cert.pem', MASTER_SSL_CERT='${CERTS}/client-cert.pem', MASTER_SSL_KEY='${CERTS}/client-key.pem';
       START SLAVE`,
    );
}

async function makeAccounts(): Promise<void> {
  const [box01, ...replicas] = boxes as [MariaDb, MariaDb, MariaDb];
  const { address } = maxscale;
  const network = address.replace(/\d+\.\d+$/, "%");
  await box01.sql(
    `grant all on *.* to maxmon_ssl@'${address}' identified by '${SERVICE_PASSWORD}' require ssl;
     grant all on *.* to maxuser_ssl@'${address}' identified by '${SERVICE_PASSWORD}' require ssl;
     grant select,insert,delete,update on *.* to appuser_ssl@'${network}' identified by '123456' require ssl`,
  );
  for (const replica of replicas)
    await eventually(
      async () => (await replica.sql("SELECT 1 FROM mysql.user WHERE user = 'appuser_ssl'")).length === 1,
      {
        within: 20_000,
        what: "replication over TLS",
      },
    );
}

/** The article's files, with the addresses of this network. */
async function configure(): Promise<void> {
  const here = (text: string): string =>
    text
      .replaceAll(/192\.168\.50\.1([123])/g, (_, number: string) => boxes[Number(number) - 1]?.address ?? "")
      .replaceAll("maxscale.log", "sluice.log");
  const folder = "/etc/maxscale-persisted";
  for (const name of readdirSync(join(FIXTURE, "sluice.cnf.d")))
    maxscale.write(
      `${folder}/${name}`,
      here(readFileSync(join(FIXTURE, "sluice.cnf.d", name), "utf8")),
      0o600,
    );
  maxscale.write(
    `${folder}/rwsplit-service.cnf`,
    "[rwsplit-service]\nservers=prod_mariadb01,prod_mariadb02,prod_mariadb03\n",
    0o600,
  );
  const own = `datadir=${maxscale.folder}/data\npersistdir=${folder}\n`;
  const main = readFileSync(join(FIXTURE, "sluice.cnf"), "utf8").replace(
    "[maxscale]\n",
    `[maxscale]\n${own}`,
  );
  maxscale.write("/etc/maxscale.cnf", main, 0o600);
  maxscale.write(
    "/etc/client.cnf",
    `[client]\nssl\nssl-ca=${CERTS}/ca-cert.pem\nssl-cert=${CERTS}/client-cert.pem\nssl-key=${CERTS}/client-key.pem\n`,
    0o644,
  );
  sluice = await startSluice(maxscale, ["run", "--config", "/etc/maxscale.cnf"], { ports: [4006] });
}

const mysql = async (sql: string, ...more: readonly string[]): Promise<RunResult> =>
  await maxscale.run(
    [
      "mysql",
      "--defaults-file=/etc/client.cnf",
      ...more,
      "-u",
      "appuser_ssl",
      "-p123456",
      "-h",
      maxscale.address,
      "-P",
      "4006",
      "-e",
      sql,
    ],
    { mayFail: true },
  );

describe("the article", () => {
  test("select @@server_id is answered by 2 and by 3", async () => {
    const seen: string[] = [];
    await eventually(
      async () => {
        const { stdout, stderr } = await mysql("select @@server_id\\G");
        expect(stderr.replace(/.*insecure.*\n/, "")).toBe("");
        seen.push(stdout);
        return (
          seen.some((text) => text.includes("@@server_id: 2")) &&
          seen.some((text) => text.includes("@@server_id: 3"))
        );
      },
      { within: 40_000, every: 100, what: "an answer of each replica" },
    );
    const answers = new Set<string>();
    // Each worker takes them by turns, and there may be as many workers as processors.
    for (let i = 0; i <= availableParallelism(); i++)
      answers.add((await mysql("select @@server_id\\G")).stdout);
    expect([...answers].sort()).toEqual([
      "*************************** 1. row ***************************\n@@server_id: 2\n",
      "*************************** 1. row ***************************\n@@server_id: 3\n",
    ]);
  }, 60_000);

  test("both legs are encrypted, and the listener takes nothing else", async () => {
    const { stdout } = await mysql("show status like 'Ssl_version'; select @@server_id > 0", "-N");
    expect(stdout).toMatch(/Ssl_version\tTLSv1\.[23]\n1\n/);
    const plain = await mysql("select 1", "--skip-ssl");
    expect(plain.stderr).toContain("insecure transport");
    const named = await mysql("select 1", "--ssl-verify-server-cert", "-N");
    expect(named.stdout).toBe("1\n");
  });

  test("the table of its last page", async () => {
    const { stdout } = await runSluice(maxscale, ["list", "servers", "--json"]);
    const states = JSON.parse(stdout).data.map(
      ({ id, attributes }: { id: string; attributes: { state: string } }) => [id, attributes.state],
    );
    expect(states.sort()).toEqual([
      ["prod_mariadb01", "Master, Running"],
      ["prod_mariadb02", "Slave, Running"],
      ["prod_mariadb03", "Slave, Running"],
    ]);
  });
});
