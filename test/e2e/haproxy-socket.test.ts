// The publisher haproxy-socket against real HAProxy and MariaDB. HAProxy itself checks so seldom that all it knows is from Sluice.
import { afterAll, beforeAll, beforeEach, expect, test } from "bun:test";
import { eventually } from "../eventually.ts";
import { HaProxy } from "../lab/ha-proxy.ts";
import type { Host } from "../lab/host.ts";
import { Lab } from "../lab/lab.ts";
import { MariaDb } from "../lab/maria-db.ts";
import type { Process } from "../lab/process.ts";
import { runSluice, startSluice } from "../lab/sluice.ts";

let lab: Lab;
let proxyHost: Host;
let db1: MariaDb;
let db2: MariaDb;
let haproxy: HaProxy;
let haproxyText: string;
let sluice: Process;

beforeAll(async () => {
  lab = await Lab.create({ name: "haproxy-socket" });
  const hosts = await Promise.all(["db1", "db2"].map((name) => lab.host(name)));
  [db1, db2] = (await Promise.all(hosts.map((host) => MariaDb.start(host)))) as [MariaDb, MariaDb];
  const account = "CREATE USER monitor@'%' IDENTIFIED BY 'Monitor 1'; GRANT ALL ON *.* TO monitor@'%'";
  await Promise.all([db1.sql(account), db2.sql(account)]);
  proxyHost = await lab.host("proxy");
  const servers = (options: string) =>
    [db1, db2].map(({ host }) => `  server ${host.name} ${host.address}:3306 ${options}`);
  haproxyText = [
    "defaults",
    "  mode tcp",
    "  timeout connect 2s",
    "  timeout client 1m",
    "  timeout server 1m",
    "listen bystate",
    "  bind :3306",
    ...servers("check inter 1h"),
    "listen byagent",
    "  bind :3307",
    ...servers("agent-check agent-port 9 agent-inter 1h"),
  ].join("\n");
  haproxy = await HaProxy.start(proxyHost, haproxyText);
  proxyHost.write("/etc/sluice.cnf", configuration());
  sluice = await startSluice(proxyHost, ["run", "--runtime-dir", "/run/sluice", "--log-format", "text"]);
  await bothUp();
}, 60_000);

afterAll(async () => {
  await lab.destroy();
});

beforeEach(async () => {
  if (!db1.isRunning) await db1.start();
  await bothUp();
});

function configuration(): string {
  const server = ({ host }: MariaDb) => `[${host.name}]\ntype=server\naddress=${host.address}\n`;
  const publisher = (name: string, mode: string, backends: string) =>
    `[${name}]\ntype=publisher\nmodule=haproxy-socket\nmonitor=cluster\nsocket=${haproxy.socketPath}\nbackends=${backends}\nmode=${mode}\n`;
  return [
    `[sluice]\nthreads=0\ndatadir=${proxyHost.folder}\npersist_runtime_changes=false\n`,
    server(db1),
    server(db2),
    "[cluster]\ntype=monitor\nmodule=auto\nservers=db1,db2\nuser=monitor\npassword=Monitor 1\nmonitor_interval=500ms\n",
    publisher("by-state", "state", "bystate"),
    publisher("by-agent", "agent", "byagent"),
    publisher("wrong", "agent", "bystate,nosuch"),
  ].join("\n");
}

async function becomes(proxy: string, server: string, status: RegExp): Promise<void> {
  await eventually(
    async () => {
      const found = (await haproxy.statsOf(proxy, server))["status"] ?? "";
      if (!status.test(found)) throw new Error(`${proxy}/${server} is ${found}`);
      return true;
    },
    { what: `${proxy}/${server} ${status}` },
  );
}

async function bothUp(): Promise<void> {
  for (const server of ["db1", "db2"]) {
    await becomes("bystate", server, /^UP/);
    await becomes("byagent", server, /^(UP|no check)/);
    await eventually(async () => (await haproxy.statsOf("byagent", server))["weight"] === "1", {
      what: `byagent/${server} with its weight`,
    });
  }
}

/** On which server a client of HAProxy lands. */
async function landsOn(port: number): Promise<string> {
  const { stdout } = await proxyHost.run(
    [
      "mariadb",
      "--host=127.0.0.1",
      `--port=${port}`,
      "--user=monitor",
      "--batch",
      "--skip-column-names",
      "--execute=SELECT @@hostname",
    ],
    { env: { MYSQL_PWD: "Monitor 1" } },
  );
  return stdout.trim();
}

test("a killed server is out of both backends, without waiting for a check", async () => {
  await db1.kill();
  await becomes("bystate", "db1", /^MAINT/);
  await becomes("byagent", "db1", /^DOWN/);
  for (const port of [3306, 3306, 3307, 3307]) expect(await landsOn(port)).toBe("db2");
});

test("what was told survives a reload of HAProxy", async () => {
  await db1.kill();
  await becomes("bystate", "db1", /^MAINT/);
  await haproxy.reload(haproxyText);
  await becomes("bystate", "db1", /^MAINT/);
  await becomes("byagent", "db1", /^DOWN/);
  await becomes("bystate", "db2", /^UP/);
});

test("draining: sessions go on, new ones go elsewhere", async () => {
  await runSluice(proxyHost, ["maintenance", "drain", "--server", "db1", "--runtime-dir", "/run/sluice"]);
  await becomes("bystate", "db1", /^DRAIN/);
  await eventually(async () => (await haproxy.statsOf("byagent", "db1"))["weight"] === "0");
  for (const port of [3306, 3306, 3307, 3307]) expect(await landsOn(port)).toBe("db2");
  await runSluice(proxyHost, ["maintenance", "off", "--server", "db1", "--runtime-dir", "/run/sluice"]);
  await bothUp();
});

test("a backend and a kind of check that are not there are told of, and the rest works", async () => {
  await sluice.waitForOutput(/nosuch\/db1: No such backend: see `backends`/);
  await sluice.waitForOutput(
    /bystate\/db1: agent checks are not enabled on this server: give it agent-check/,
  );
});
