import { afterAll, afterEach, beforeAll, describe, expect, test } from "bun:test";
import { type Connection, createConnection } from "mariadb";
import { eventually } from "../eventually.ts";
import type { Host } from "../lab/host.ts";
import { Lab } from "../lab/lab.ts";
import { MariaDb } from "../lab/maria-db.ts";
import type { Process } from "../lab/process.ts";
import { startSluice } from "../lab/sluice.ts";
import { hostOf } from "../support/host-of.ts";

// GLB's control socket for a service whose connections the kernel carries: the answers, and what becomes of connections.

const PASSWORD = "Kept out of argv 1!";
const LISTEN = 8010;
const CONTROL = 8011;

let lab: Lab;
let proxy: Host;
let servers: readonly [MariaDb, MariaDb, MariaDb];
let sluice: Process;
const open: Connection[] = [];

beforeAll(async () => {
  lab = await Lab.create({ name: "glb-kernel" });
  const hosts = await Promise.all(["db1", "db2", "db3"].map((name) => lab.host(name)));
  servers = (await Promise.all(hosts.map((host) => MariaDb.start(host)))) as unknown as typeof servers;
  for (const server of servers)
    await server.sql(`CREATE USER app@'%' IDENTIFIED BY '${PASSWORD}'; GRANT ALL ON *.* TO app@'%'`);
  proxy = await lab.host("proxy");
  await proxy.run(["sysctl", "-w", "net.ipv4.ip_forward=1", "net.ipv4.conf.all.send_redirects=0"]);
  proxy.write("/etc/sluice.cnf", configuration(), 0o600);
  sluice = await startSluice(proxy, ["run", "--config", proxy.path("/etc/sluice.cnf")], { ports: [CONTROL] });
  await eventually(async () => (await hostsBehind(8)).size === 2, { what: "both servers" });
}, 120_000);

afterAll(async () => {
  await sluice?.terminate();
  await lab.destroy();
});

afterEach(() => {
  for (const connection of open.splice(0)) connection.destroy();
});

function configuration(): string {
  const [db1, db2] = servers;
  const server = (name: string, { address, port }: MariaDb): string =>
    `[${name}]\ntype=server\naddress=${address}\nport=${port}\n`;
  return `[sluice]
threads=0
datadir=${proxy.folder}/data
persistdir=${proxy.folder}/data/sluice.cnf.d

${server("db1", db1)}
${server("db2", db2)}
[ports]
type=monitor
module=portmon
servers=db1,db2
monitor_interval=200ms

[app]
type=service
router=readconnroute
dataplane=kernel
balance=round-robin
cluster=ports
control=127.0.0.1:${CONTROL}

[app-listener]
type=listener
service=app
port=${LISTEN}
`;
}

async function client(): Promise<Connection> {
  const account = { user: "app", password: PASSWORD, connectTimeout: 5000 };
  const connection = await createConnection({ host: proxy.address, port: LISTEN, ...account });
  connection.on("error", () => {});
  open.push(connection);
  return connection;
}

/** How many of so many new connections each server gets. */
async function hostsBehind(count: number): Promise<ReadonlyMap<string, number>> {
  const counts = new Map<string, number>();
  for (let i = 0; i < count; i++) {
    const connection = await client();
    const name = await hostOf(connection);
    await connection.end();
    counts.set(name, (counts.get(name) ?? 0) + 1);
  }
  return counts;
}

async function clientOn(name: string): Promise<Connection> {
  return await eventually(
    async () => {
      const connection = await client();
      if ((await hostOf(connection)) === name) return connection;
      await connection.end();
      return false;
    },
    { what: `a session on ${name}` },
  );
}

async function control(command: string): Promise<string> {
  const { stdout } = await proxy.run(["nc", "127.0.0.1", String(CONTROL)], { stdin: `${command}\n` });
  return stdout;
}

const at = (index: number): string => `${servers[index]?.address}:${servers[index]?.port}`;

type Row = readonly [address: string, weight: string, usage: string, conns: number];

/** GLB's table, to the letter. */
async function table(rows: readonly Row[]): Promise<string> {
  const { stdout: most } = await proxy.run(["sysctl", "-n", "net.netfilter.nf_conntrack_max"]);
  const total = rows.reduce((sum, [, , , conns]) => sum + conns, 0);
  return [
    "Router:",
    "------------------------------------------------------",
    "        Address       :   weight   usage    map  conns",
    ...rows.map(
      ([address, weight, usage, conns]) =>
        `${address.padStart(21)} :    ${weight}   ${usage}    N/A  ${String(conns).padStart(5)}`,
    ),
    "------------------------------------------------------",
    `Destinations: ${rows.length}, total connections: ${total} of ${most.trim()} max`,
    "",
  ].join("\n");
}

/** A connection that has been closed is one for the kernel for a little while. */
const untilInfo = async (...rows: readonly Row[]): Promise<void> => {
  const expected = await table(rows);
  let last = "";
  const isSaid = async (): Promise<boolean> => {
    last = await control("getinfo");
    return last === expected;
  };
  await eventually(isSaid).catch(() => {});
  expect(last).toBe(expected);
};

describe("the control socket", () => {
  test("getinfo and getstat tell the connections of the kernel, as they are at that moment", async () => {
    await untilInfo([at(0), "1.000", "0.000", 0], [at(1), "1.000", "0.000", 0]);
    await control("getstat");
    const before = open.length;
    await clientOn("db1");
    expect(await control("getinfo")).toContain(`${at(0)} :    1.000   0.500    N/A      1\n`);
    const stat = await control("getstats");
    const form =
      /^in: 0 out: 0 recv: 0 \/ 0 send: 0 \/ 0 conns: (\d+) \/ (\d+) poll: 0 \/ 0 \/ 0 elapsed: \d+\.\d{5}\n$/;
    expect(stat).toMatch(form);
    expect(Number(form.exec(stat)?.[1])).toBe(open.length - before);
    await untilInfo([at(0), "1.000", "0.500", 1], [at(1), "1.000", "0.000", 0]);
    expect(await control("getstat")).toContain(" conns: 0 / 1 ");
  });

  test("a change of weight, a new server: new connections follow", async () => {
    expect(await control(`${at(0)}:3`)).toBe("Ok\n");
    await untilInfo([at(0), "3.000", "0.000", 0], [at(1), "1.000", "0.000", 0]);
    const counts = await hostsBehind(40);
    expect(Math.abs((counts.get("db1") ?? 0) - 30)).toBeLessThanOrEqual(2);
    expect(await control(at(0))).toBe("Ok\n");
    expect(await control(`${at(2)}:0.5`)).toBe("Ok\n");
    await (await clientOn("db3")).end();
    await untilInfo([at(0), "1.000", "0.000", 0], [at(1), "1.000", "0.000", 0], [at(2), "0.500", "0.000", 0]);
  });

  test("drained with 0: its connections go on; removed with a negative weight: they are cut", async () => {
    const [drained, removed] = [await clientOn("db1"), await clientOn("db2")];
    expect(await control(`${at(0)}:0`)).toBe("Ok\n");
    await eventually(async () => !(await hostsBehind(6)).has("db1"), { what: "no new ones" });
    expect(await hostOf(drained)).toBe("db1");
    await untilInfo([at(0), "0.000", "0.500", 1], [at(1), "1.000", "0.500", 1], [at(2), "0.500", "0.000", 0]);
    expect(await control(`${at(1)}:-1`)).toBe("Ok\n");
    await eventually(() => !removed.isValid(), { what: "the end of the session" });
    expect(await hostOf(drained)).toBe("db1");
    await eventually(async () => [...(await hostsBehind(4)).keys()].join() === "db3", { what: "db3 alone" });
    await untilInfo([at(0), "0.000", "0.500", 1], [at(2), "0.500", "0.000", 0]);
    expect(await control(`${at(0)}:1`)).toBe("Ok\n");
    await (await clientOn("db1")).end();
    expect(await hostOf(drained)).toBe("db1");
  });

  test("what is none, what is unknown, and what rules cannot do", async () => {
    expect(await control("bogus")).toBe("Error\n");
    expect(await control(`${at(1)}:-1`)).toBe("Error\n");
    expect(await control("db2:3306")).toBe("Error\n");
    await sluice.waitForOutput(/rules need an address, and this is a name/);
    await (await clientOn("db3")).end();
  });
});
