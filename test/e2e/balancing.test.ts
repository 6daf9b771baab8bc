import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { type Connection, createConnection } from "mariadb";
import { eventually } from "../eventually.ts";
import { HaProxy } from "../lab/ha-proxy.ts";
import type { Host } from "../lab/host.ts";
import { Lab } from "../lab/lab.ts";
import type { MariaDb } from "../lab/maria-db.ts";
import type { Process } from "../lab/process.ts";
import { type Replication, startReplication } from "../lab/replication.ts";
import { runSluice, startSluice } from "../lab/sluice.ts";
import { FLEET_PASSWORD, fleetSettings, MONITOR_ACCOUNT } from "../support/fleet-settings.ts";
import { hostOf } from "../support/host-of.ts";
import { lockTable } from "../support/lock-table.ts";

// Connections balanced over a real primary and its two replicas: who gets them, what ends them, and what goes on whatever dies.

const WRITE = 4006;
const READ = 4008;
const FEW = 4010;

let lab: Lab;
let replication: Replication;
let primary: MariaDb;
let replicas: readonly [MariaDb, MariaDb];
let proxy: Host;
let sluice: Process;

const open: Connection[] = [];

beforeAll(async () => {
  lab = await Lab.create({ name: "balancing" });
  replication = await startReplication(lab, { hasTls: true });
  primary = replication.primary;
  replicas = replication.replicas as unknown as readonly [MariaDb, MariaDb];
  await primary.sql(
    `${MONITOR_ACCOUNT}
     CREATE USER app@'%' IDENTIFIED BY '${FLEET_PASSWORD}';
     GRANT ALL ON *.* TO app@'%';
     CREATE DATABASE app; CREATE TABLE app.t (id INT PRIMARY KEY AUTO_INCREMENT, a LONGBLOB)`,
  );
  for (const replica of replicas) await replication.untilCaughtUp(replica);
  proxy = await lab.host("proxy");
  configure();
  sluice = await start();
  await untilAllServe();
}, 120_000);

afterAll(async () => {
  for (const connection of open) connection.destroy();
  await lab.destroy();
});

function configure(more = ""): void {
  proxy.write(
    "/etc/sluice.cnf",
    `${fleetSettings(proxy, replication.servers)}
[write]
type=service
router=readconnroute
router_options=master
cluster=fleet
connect_timeout=1s

[read]
type=service
router=readconnroute
router_options=slave
cluster=fleet
connect_timeout=1s

[few]
type=service
router=readconnroute
cluster=fleet
max_connections=2
queue_timeout=2s

[write-listener]
type=listener
service=write
port=${WRITE}

[read-listener]
type=listener
service=read
port=${READ}

[few-listener]
type=listener
service=few
port=${FEW}
${more}`,
    0o600,
  );
}

const start = async (): Promise<Process> =>
  await startSluice(proxy, ["run", "--config", proxy.path("/etc/sluice.cnf")], { ports: [WRITE, READ, FEW] });

async function client(port: number, more: object = {}): Promise<Connection> {
  const connection = await createConnection({
    host: proxy.address,
    port,
    user: "app",
    password: FLEET_PASSWORD,
    connectTimeout: 5000,
    multipleStatements: true,
    ...more,
  });
  connection.on("error", () => {});
  open.push(connection);
  return connection;
}

/** Which server a new connection gets. */
async function serverBehind(port: number): Promise<string> {
  const connection = await client(port);
  const name = await hostOf(connection);
  await connection.end();
  return name;
}

async function serversBehind(port: number, count: number): Promise<Record<string, number>> {
  const counts: Record<string, number> = {};
  for (let i = 0; i < count; i++) {
    const name = await serverBehind(port);
    counts[name] = (counts[name] ?? 0) + 1;
  }
  return counts;
}

const total = (counts: Record<string, number>): number =>
  Object.values(counts).reduce((sum, count) => sum + count, 0);

/** Writes reach the primary, and reads both replicas. */
async function untilAllServe(): Promise<void> {
  await eventually(async () => (await serverBehind(WRITE)) === primary.host.name);
  for (const { host } of replicas) await (await onServer(READ, host.name)).end();
}

const hasEnded = (connection: Connection): boolean => !connection.isValid();
const untilEnded = async (connection: Connection, within = 5000): Promise<void> => {
  await eventually(() => hasEnded(connection), { within, what: "the end of the session" });
};

/** Pids of the worker processes, as the host sees them. */
async function workers(): Promise<readonly string[]> {
  const { stdout } = await proxy.run(["pgrep", "-f", "^sluice worker "], { mayFail: true });
  return stdout.split("\n").filter((pid) => pid !== "");
}

/** After a new start: as many as before, and none of those. */
async function untilWorkersAreNew(before: readonly string[]): Promise<void> {
  await eventually(
    async () => {
      const now = await workers();
      return now.length === 2 && now.every((pid) => !before.includes(pid));
    },
    { within: 40_000, what: "the end of the old workers" },
  );
}

const maintenance = async (server: string, state: "on" | "off" | "drain"): Promise<void> => {
  await runSluice(proxy, ["maintenance", state, "--server", server]);
};

describe("through it", () => {
  test("writes go to the primary, reads to both replicas in equal parts", async () => {
    expect(await serversBehind(WRITE, 4)).toEqual({ [primary.host.name]: 4 });
    const counts = await serversBehind(READ, 40);
    expect(Object.keys(counts).sort()).toEqual(replicas.map(({ host }) => host.name).sort());
    for (const count of Object.values(counts)) expect(count).toBeGreaterThanOrEqual(14);
  });

  test("TLS is end to end: the certificate is the server's own", async () => {
    const certificate = await lab.certificate("nobody");
    const ssl = { ca: readFileSync(certificate.authority, "utf8"), checkServerIdentity: () => undefined };
    const secure = await client(WRITE, { ssl });
    const [row] = await secure.query<{ Value: string }[]>("SHOW STATUS LIKE 'Ssl_cipher'");
    expect(row?.Value).not.toBe("");
    await secure.end();
  });

  test("the command-line client, compression, a prepared statement, a packet of 20 MB", async () => {
    await replication.primary.sql("SET GLOBAL max_allowed_packet = 67108864");
    const argv = [
      "mysql",
      "-h127.0.0.1",
      `-P${WRITE}`,
      "-uapp",
      "--compress",
      "-N",
      "-e",
      "SELECT @@hostname, 6*7",
    ];
    const { stdout } = await proxy.run(argv, { env: { MYSQL_PWD: FLEET_PASSWORD } });
    expect(stdout.trim()).toBe(`${primary.host.name}\t42`);
    const writer = await client(WRITE, { maxAllowedPacket: 1 << 26 });
    const blob = Buffer.alloc(20 << 20, "sluice");
    await writer.execute("INSERT INTO app.t (a) VALUES (?)", [blob]);
    const rows = await writer.execute<{ a: Buffer }[]>("SELECT a FROM app.t ORDER BY id DESC LIMIT 1");
    expect(rows[0]?.a.equals(blob)).toBe(true);
    await writer.end();
  }, 30_000);

  test("max_connections: the third waits, then hears error 1040; a place that is freed is given", async () => {
    const [one, two] = [await client(FEW), await client(FEW)];
    const third = client(FEW).catch((error: { errno?: number; sqlMessage?: string }) => error);
    const refusal = await third;
    expect(String(refusal)).toContain("no: 1040");
    expect(refusal).toMatchObject({ errno: 1040, sqlMessage: "Too many connections" });
    const waiting = client(FEW);
    await one.end();
    expect(await hostOf(await waiting)).not.toBe("");
    await two.end();
  });
});

test("HAProxy in front: its mysql-check, old and new, is answered by a server, and says no when none is left", async () => {
  await primary.sql("CREATE USER haproxy@'%'");
  const check = (name: string, how: string): string =>
    `backend ${name}\n  mode tcp\n  option mysql-check user haproxy ${how}\n  server s ${proxy.address}:${READ} check inter 200ms fall 1 rise 1\n`;
  const front = await HaProxy.start(
    await lab.host("front"),
    `${check("new", "post-41")}${check("old", "pre-41")}`,
  );
  const says = async (status: string): Promise<void> => {
    for (const name of ["new", "old"])
      await eventually(async () => (await front.statsOf(name, "s"))["status"] === status, {
        what: `${name} ${status}`,
      });
  };
  await says("UP");
  for (const { host } of replication.servers)
    await runSluice(proxy, ["maintenance", "on", "--server", host.name]);
  await says("DOWN");
  for (const { host } of replication.servers) await maintenance(host.name, "off");
  await says("UP");
  await front.stop();
  await untilAllServe();
}, 30_000);

describe("what a person does", () => {
  test("drain: no new sessions, the old ones go on; maintenance ends them", async () => {
    const [away, stays] = replicas.map(({ host }) => host.name) as [string, string];
    const old = await onServer(READ, away);
    await maintenance(away, "drain");
    expect(await serversBehind(READ, 6)).toEqual({ [stays]: 6 });
    expect(await hostOf(old)).toBe(away);
    await eventually(async () => (await stateOf(away)).startsWith("Draining"));
    await old.end();
    await eventually(async () => (await stateOf(away)).startsWith("Drained"));
    await maintenance(away, "off");
    const other = await onServer(READ, away);
    await maintenance(away, "on");
    await untilEnded(other);
    await maintenance(away, "off");
    await eventually(async () => (await serverBehind(READ)) === away);
  });

  test("a reload opens and closes listeners, and disturbs nobody", async () => {
    const old = await client(READ);
    configure(`\n[more]\ntype=listener\nservice=read\nport=4020\n`);
    sluice.kill("SIGHUP");
    await eventually(() => proxy.isListening(4020));
    expect(await serverBehind(4020)).not.toBe(primary.host.name);
    configure();
    sluice.kill("SIGHUP");
    await eventually(() => !proxy.isListening(4020));
    expect(await hostOf(old)).not.toBe("");
    await old.end();
  });
});

/** The objects of a list of the REST API. */
async function list(what: string): Promise<readonly { id: string; attributes: Record<string, unknown> }[]> {
  const { stdout } = await runSluice(proxy, ["list", what, "--json"]);
  return JSON.parse(stdout).data;
}

const stateOf = async (server: string): Promise<string> =>
  String((await list("servers")).find(({ id }) => id === server)?.attributes["state"]);

const listenerState = async (name: string): Promise<unknown> =>
  (await list("listeners")).find(({ id }) => id === name)?.attributes["state"];

describe("over the REST API", () => {
  test("sessions are listed with user, server and its connection, and can be ended", async () => {
    const connection = await client(READ);
    const [row] = await connection.query<{ id: bigint; name: string }[]>(
      "SELECT CONNECTION_ID() AS id, @@hostname AS name",
    );
    const sessions = await list("sessions");
    const mine = sessions.find(
      ({ attributes }) =>
        JSON.stringify(attributes["connections"]).includes(`"connection_id":${row?.id},`) ||
        JSON.stringify(attributes["connections"]).includes(`"connection_id":${row?.id}}`),
    );
    expect(mine?.attributes).toMatchObject({ user: "app", remote: lab.address });
    expect(JSON.stringify(mine?.attributes["connections"])).toContain(`"server":"${row?.name}"`);
    await runSluice(proxy, ["destroy", "session", mine?.id ?? ""]);
    await untilEnded(connection);
    await eventually(async () => !(await list("sessions")).some(({ id }) => id === mine?.id));
  });

  test("services and servers count their connections, workers are threads", async () => {
    const connection = await client(WRITE);
    await eventually(async () => {
      const service = (await list("services")).find(({ id }) => id === "write");
      const server = (await list("servers")).find(({ id }) => id === primary.host.name);
      const counted = [service, server].map(
        (object) => object?.attributes["statistics"] as { connections: number },
      );
      return counted.every((statistics) => statistics.connections >= 1);
    });
    expect(await list("threads")).toHaveLength(3);
    const { stdout } = await proxy.run([
      "curl",
      "-s",
      "--unix-socket",
      "/run/sluice/agent.sock",
      "http://sluice/metrics",
    ]);
    expect(stdout).toMatch(/^sluice_service_connections\{service="write"\} [1-9]/m);
    expect(stdout).toMatch(/^sluice_service_targets\{service="read"\} 2$/m);
    expect(stdout).toMatch(/^sluice_listener_up\{listener="read-listener"\} 1$/m);
    await connection.end();
  });

  test("a listener stops and starts; its sessions go on, or end by force", async () => {
    const [old, forced] = [await client(READ), await client(WRITE)];
    await runSluice(proxy, ["stop", "listener", "read-listener"]);
    expect(proxy.isListening(READ)).toBe(false);
    expect(await hostOf(old)).not.toBe("");
    expect(await listenerState("read-listener")).toBe("Stopped");
    await runSluice(proxy, ["start", "listener", "read-listener"]);
    await eventually(async () => (await serverBehind(READ)) !== "");
    await runSluice(proxy, ["stop", "service", "write", "--force"]);
    await untilEnded(forced);
    await runSluice(proxy, ["start", "service", "write"]);
    expect(await serverBehind(WRITE)).toBe(primary.host.name);
    await old.end();
  });

  test("a change of a service and a server is in force at once", async () => {
    const [one, two] = replicas.map(({ host }) => host.name) as [string, string];
    await runSluice(proxy, ["alter", "server", one, "weight=0"]);
    expect(await serversBehind(READ, 6)).toEqual({ [two]: 6 });
    await runSluice(proxy, ["alter", "service", "read", "balance=single"]);
    await runSluice(proxy, ["alter", "server", one, "weight=5"]);
    expect(await serversBehind(READ, 6)).toEqual({ [one]: 6 });
    await runSluice(proxy, ["alter", "server", one, "weight=1"]);
    await runSluice(proxy, ["alter", "service", "read", "balance=least-connections"]);
  });

  test("a listener on a port that is taken says so, and nothing else suffers", async () => {
    const other = await proxy.spawn(["nc", "-l", "0.0.0.0", "4030"], { keepInputOpen: true });
    await proxy.untilListening(other, [4030]);
    await runSluice(proxy, ["create", "listener", "read", "taken", "4030"]);
    expect(await listenerState("taken")).toBe("Failed");
    await runSluice(proxy, ["destroy", "listener", "taken"]);
    expect(await serverBehind(READ)).not.toBe("");
  });
});

describe("limits", () => {
  const alter = async (kind: string, name: string, ...parameters: readonly string[]): Promise<void> => {
    await runSluice(proxy, ["alter", kind, name, ...parameters]);
  };
  const names = (): readonly string[] => replicas.map(({ host }) => host.name);

  test("max_routing_connections holds over services and workers; whoever comes on top waits, then hears error 1040", async () => {
    for (const name of names()) await alter("server", name, "max_routing_connections=2");
    await alter("service", "read", "queue_timeout=500ms");
    const full = await Promise.all([client(READ), client(READ), client(READ), client(READ)]);
    const counts = await Promise.all(full.map(hostOf));
    for (const name of names()) expect(counts.filter((host) => host === name)).toHaveLength(2);
    expect(await client(READ).catch((error: unknown) => error)).toMatchObject({ errno: 1040 });
    await alter("service", "read", "queue_timeout=20s");
    const waiting = client(READ, { connectTimeout: 20_000 });
    await eventually(async () => {
      const service = (await list("services")).find(({ id }) => id === "read");
      return JSON.stringify(service?.attributes).includes('"queued_connections":1');
    });
    const [first] = full;
    await first?.end();
    expect(await hostOf(await waiting)).toBe(counts[0] ?? "");
    for (const session of [...full.slice(1), await waiting]) await session.end();
    for (const name of names()) await alter("server", name, "max_routing_connections=0");
    await alter("service", "read", "queue_timeout=0s");
  });

  test("wait_timeout ends an idle session, and no other", async () => {
    await alter("service", "read", "wait_timeout=1500ms");
    const [idle, busy] = [await client(READ), await client(READ)];
    await eventually(async () => {
      await hostOf(busy);
      return hasEnded(idle);
    });
    expect(await hostOf(busy)).not.toBe("");
    await busy.end();
    await alter("service", "read", "wait_timeout=0s");
  });

  test("drain_timeout ends what is left on a draining server", async () => {
    const [away = ""] = names();
    const old = await onServer(READ, away);
    await alter("service", "read", "drain_timeout=1s");
    await maintenance(away, "drain");
    expect(await hostOf(old)).toBe(away);
    await untilEnded(old);
    await maintenance(away, "off");
    await alter("service", "read", "drain_timeout=0s");
  });

  test("max_replication_lag: a replica that falls behind gets no new sessions, unless nobody is left who is not", async () => {
    const [slow, other] = replicas;
    await alter("service", "read", "max_replication_lag=1s");
    // Equally busy: one that is not would get none in any case.
    const old = [await onServer(READ, slow.host.name), await onServer(READ, other.host.name)];
    const readers = async (): Promise<readonly string[]> => Object.keys(await serversBehind(READ, 6));
    expect(await readers()).toHaveLength(2);
    const release = await lockTable(slow, "app.t");
    await primary.sql("INSERT INTO app.t (a) VALUES ('late')");
    await eventually(async () => (await readers()).join() === other.host.name, { what: "one reader" });
    for (const [i, session] of old.entries())
      expect(await hostOf(session)).toBe(replicas[i]?.host.name ?? "");
    const releaseOther = await lockTable(other, "app.t");
    await primary.sql("INSERT INTO app.t (a) VALUES ('later')");
    await eventually(async () => (await readers()).join() === primary.host.name, { what: "the primary" });
    await alter("service", "read", "master_accept_reads=false");
    expect((await readers()).toSorted()).toEqual([...names()]);
    await alter("service", "read", "master_accept_reads=true");
    for (const session of old) await session.end();
    await release();
    await releaseOther();
    await alter("service", "read", "max_replication_lag=0s");
    for (const replica of replicas) await replication.untilCaughtUp(replica);
    await untilAllServe();
  }, 40_000);
});

describe("what dies", () => {
  test("a replica that is killed: its sessions end, new ones go elsewhere, without an error", async () => {
    const [victim, other] = replicas;
    const old = await onServer(READ, victim.host.name);
    await victim.kill();
    expect(await serversBehind(READ, 20)).toEqual({ [other.host.name]: 20 });
    await untilEnded(old);
    await victim.start();
    await replication.untilReplicating(victim);
    await eventually(async () => (await serverBehind(READ)) === victim.host.name);
  }, 60_000);

  test("a replica that hangs: a new session waits a moment and gets the other; old ones are ended", async () => {
    const [victim, other] = replicas;
    const old = await onServer(READ, victim.host.name);
    await victim.hang();
    expect(await serversBehind(READ, 4)).toEqual({ [other.host.name]: 4 });
    await untilEnded(old);
    await victim.resume();
    await eventually(async () => (await serverBehind(READ)) === victim.host.name);
  }, 30_000);

  test("all are gone: the sentence, at once", async () => {
    for (const { host } of replication.servers)
      await runSluice(proxy, ["maintenance", "on", "--server", host.name]);
    const error = await client(READ).catch((found: unknown) => found);
    expect(error).toMatchObject({ errno: 1105 });
    expect(String(error)).toContain("service read has no server to use: ");
    expect(String(error)).toContain(`${primary.host.name} is in maintenance`);
    for (const { host } of replication.servers) await maintenance(host.name, "off");
    await untilAllServe();
  });

  test("a worker that is killed is back, nobody is refused, and only its sessions are lost", async () => {
    const before = await workers();
    expect(before).toHaveLength(2);
    const sessions = await Promise.all(Array.from({ length: 8 }, async () => await client(READ)));
    await proxy.run(["kill", "-9", before[0] ?? ""]);
    await Promise.all(Array.from({ length: 20 }, async () => await serverBehind(READ)));
    await eventually(async () => (await workers()).filter((pid) => !before.includes(pid)).length === 1);
    const left = sessions.filter((session) => !hasEnded(session));
    for (const session of left) expect(await hostOf(session)).not.toBe("");
    for (const session of left) await session.end();
  });

  test("the control process is killed: traffic flows, also while it starts again; its workers finish their sessions", async () => {
    const old = await client(READ);
    const before = await workers();
    sluice.kill("SIGKILL");
    await sluice.ended();
    expect(total(await serversBehind(READ, 10))).toBe(10);
    const [again, counts] = await Promise.all([start(), serversBehind(READ, 30)]);
    sluice = again;
    expect(total(counts)).toBe(30);
    expect(await hostOf(old)).not.toBe("");
    await old.end();
    await untilWorkersAreNew(before);
    expect(await serverBehind(WRITE)).toBe(primary.host.name);
  }, 30_000);

  test("a worker that hangs while the control process is killed holds up nothing for long", async () => {
    const before = await workers();
    await proxy.run(["kill", "-STOP", before[0] ?? ""]);
    sluice.kill("SIGKILL");
    await sluice.ended();
    sluice = await start();
    await untilWorkersAreNew(before);
    expect(total(await serversBehind(READ, 10))).toBe(10);
  }, 60_000);

  test("the primary moves: sessions on the old one end, new ones reach the new", async () => {
    const [heir, other] = replicas;
    const writer = await client(WRITE);
    expect(await hostOf(writer)).toBe(primary.host.name);
    await primary.sql("SET GLOBAL read_only = ON");
    await heir.sql("STOP SLAVE; RESET SLAVE ALL; SET GLOBAL read_only = OFF");
    await replication.follow(other, heir);
    await primary.sql("SET GLOBAL gtid_slave_pos = @@gtid_current_pos");
    await replication.follow(primary, heir);
    await untilEnded(writer, 10_000);
    await eventually(async () => (await serverBehind(WRITE)) === heir.host.name);
    for (const { host } of [primary, other]) await (await onServer(READ, host.name)).end();
  }, 30_000);

  test("an end by SIGTERM leaves nothing", async () => {
    await sluice.terminate();
    expect(await workers()).toEqual([]);
    expect(proxy.isListening(READ)).toBe(false);
  });

  test("started again, whoever connects at once waits for the first probes and is served", async () => {
    sluice = await start();
    const names = await Promise.all(Array.from({ length: 10 }, async () => await serverBehind(READ)));
    expect(new Set(names).size).toBe(2);
    await sluice.terminate();
  });
});

/** A connection to that very server. */
async function onServer(port: number, name: string): Promise<Connection> {
  return await eventually(async () => {
    const connection = await client(port);
    if ((await hostOf(connection)) === name) return connection;
    await connection.end();
    return undefined;
  });
}
