import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { type Connection, createConnection } from "mariadb";
import { eventually } from "../eventually.ts";
import { Agent, createAccount } from "../lab/agent.ts";
import { type Galera, startGalera } from "../lab/galera.ts";
import { HaProxy, type HaProxyStats } from "../lab/ha-proxy.ts";
import { Lab } from "../lab/lab.ts";
import type { MariaDb } from "../lab/maria-db.ts";
import { hostOf } from "../support/host-of.ts";

// HAProxy in front of three Galera nodes, told of their health in three ways at once: one proxy for each. What counts is
// where new connections go, by HAProxy's own count (stot) and by what the servers say who they are.

const WAYS = { httpchk: 3311, agent: 3312, drain: 3313 } as const;
type Way = keyof typeof WAYS;
const ways = Object.keys(WAYS) as readonly Way[];

// A hung server is seen by its silence; more than this, or a busy machine is taken for a hung server.
const CHECK_TIMEOUT = "1s";
const NEW_CONNECTIONS = 9;

let lab: Lab;
let galera: Galera;
let haProxy: HaProxy;
let one: MariaDb;
let two: MariaDb;
let three: MariaDb;
const agents = new Map<MariaDb, Agent>();

beforeAll(async () => {
  lab = await Lab.create({ name: "haproxy" });
  const balancer = await lab.host("balancer");
  galera = await startGalera(lab);
  [one, two, three] = galera.nodes as [MariaDb, MariaDb, MariaDb];
  await createAccount(one);
  await one.sql("CREATE USER app@'%' IDENTIFIED BY 'app'");
  await Promise.all(galera.nodes.map((node) => startAgent(node)));
  haProxy = await HaProxy.start(balancer, configuration());
  await Promise.all(galera.nodes.map((node) => shows(node, isOn(/^UP$/))));
}, 120_000);

afterAll(async () => {
  await lab.destroy();
});

async function startAgent(node: MariaDb, code = "GALERA_SYNCED"): Promise<Agent> {
  const health = ["--check-timeout", CHECK_TIMEOUT, "--monitor-interval", "200ms"];
  const agent = await Agent.start(node, {
    flags: [...health, "--agent-port", "9201", "--drain-status", "404"],
  });
  agents.set(node, agent);
  await agent.says(code);
  return agent;
}

function agentOf(node: MariaDb): Agent {
  const agent = agents.get(node);
  if (agent === undefined) throw new Error(`no agent on ${node.host.name}`);
  return agent;
}

function configuration(): string {
  const servers = (options: string): string =>
    galera.nodes.map(({ host }) => `  server ${host.name} ${host.address}:3306 ${options}`).join("\n");
  return `
defaults
  mode tcp
  balance roundrobin
  timeout connect 2s
  timeout client 60s
  timeout server 60s
  timeout check 2s
  default-server inter 200ms rise 1 fall 1 on-marked-down shutdown-sessions
listen httpchk
  bind :${WAYS.httpchk}
  option httpchk
${servers("check port 9200")}
listen agent
  bind :${WAYS.agent}
${servers("check agent-check agent-port 9201 agent-inter 200ms")}
listen drain
  bind :${WAYS.drain}
  option httpchk GET /primary
  http-check disable-on-404
${servers("check port 9200")}`;
}

/** Waits until HAProxy holds a node for what is expected on each way, and returns its figures by way. */
async function shows(
  node: MariaDb,
  expected: Readonly<Record<Way, RegExp>>,
): Promise<Readonly<Record<Way, HaProxyStats>>> {
  const isShown = async (): Promise<Record<Way, HaProxyStats>> => {
    const stats = await haProxy.stats();
    const found = ways.map((way) => [way, statsOf(stats, way, node)] as const);
    const wrong = found.filter(([way, { status = "" }]) => !expected[way].test(status));
    if (wrong.length > 0) throw new Error(wrong.map(([way, line]) => `${way}: ${line["status"]}`).join(", "));
    return Object.fromEntries(found) as Record<Way, HaProxyStats>;
  };
  return await eventually(isShown, { within: 15_000, what: `HAProxy's view of ${node.host.name}` });
}

function statsOf(stats: readonly HaProxyStats[], way: Way, node: MariaDb): HaProxyStats {
  const found = stats.find((line) => line["pxname"] === way && line["svname"] === node.host.name);
  if (found === undefined) throw new Error(`HAProxy has no ${way}/${node.host.name}`);
  return found;
}

const isOn = (status: RegExp): Readonly<Record<Way, RegExp>> => ({
  httpchk: status,
  agent: status,
  drain: status,
});
const DOWN = isOn(/^DOWN/);
const LOST = /^PROBE_(REFUSED|SOCKET_MISSING|CONNECTION_LOST): /;
const SILENT = /\bPROBE_\w+_TIMEOUT: /;

/** HAProxy has every node in service on each way, and this one gets its share. */
async function serves(node: MariaDb): Promise<void> {
  // A node that others joined by was out for a moment, of which HAProxy would hear last: clients would lose their connections to it.
  await galera.untilSettled();
  await Promise.all(galera.nodes.map((each) => agentOf(each).says("GALERA_SYNCED")));
  await Promise.all(galera.nodes.map((each) => shows(each, isOn(/^UP$/))));
  for (const way of ways) expect(await newConnections(way)).toContain(node.host.name);
}

const othersThan = (node: MariaDb): readonly MariaDb[] => galera.nodes.filter((other) => other !== node);

/** No new connection reaches the node on any way, and the others take them all. */
async function getsNothing(node: MariaDb): Promise<void> {
  const others = othersThan(node);
  await Promise.all(others.map((other) => shows(other, isOn(/^UP$/))));
  const names = others.map(({ host }) => host.name).sort();
  for (const way of ways) expect([way, ...(await newConnections(way))]).toEqual([way, ...names]);
}

/** Opens connections through the proxy; returns the hosts they reached, sorted. HAProxy must have counted the same. */
async function newConnections(way: Way): Promise<readonly string[]> {
  const before = await haProxy.stats();
  const reached: string[] = [];
  for (let i = 0; i < NEW_CONNECTIONS; i++) {
    const connection = await connect(way);
    reached.push(await hostOf(connection));
    await connection.end();
  }
  const after = await haProxy.stats();
  for (const node of galera.nodes) {
    const total = (stats: readonly HaProxyStats[]): number => Number(statsOf(stats, way, node)["stot"]);
    const count = reached.filter((name) => name === node.host.name).length;
    expect([way, node.host.name, total(after) - total(before)]).toEqual([way, node.host.name, count]);
  }
  return [...new Set(reached)].sort();
}

async function connect(way: Way): Promise<Connection> {
  const target = { host: haProxy.host.address, port: WAYS[way], user: "app", password: "app" };
  const connection = await createConnection({ ...target, connectTimeout: 10_000 });
  connection.on("error", () => {}); // told by the next query's failure
  return connection;
}

/** A connection through the proxy that has reached this node; the others that came up meanwhile are closed. */
async function connectTo(way: Way, node: MariaDb): Promise<Connection> {
  return await eventually(
    async () => {
      const connection = await connect(way);
      if ((await hostOf(connection)) === node.host.name) return connection;
      await connection.end();
      return false;
    },
    { every: 0, what: `a connection to ${node.host.name}` },
  );
}

describe("gets no new connection, and HAProxy shows why: a node that", () => {
  test("is desynced", async () => {
    await galera.desync(two);
    const { httpchk, agent, drain } = await shows(two, DOWN);
    const reason = "GALERA_DONOR: the node is donor or desynced";
    expect(httpchk).toMatchObject({ check_status: "L7STS", check_code: "503", last_chk: reason });
    expect(drain).toMatchObject({ check_status: "L7STS", check_code: "503", last_chk: reason });
    // The plain check finds nothing wrong with such a node.
    expect(agent).toMatchObject({ check_status: "L4OK", last_agt: `via agent : down (${reason})` });
    await getsNothing(two);
    await galera.desync(two, false);
    await serves(two);
  }, 40_000);

  test("is drained; who is connected may stay", async () => {
    const guests = await Promise.all(ways.map(async (way) => [way, await connectTo(way, two)] as const));
    await agentOf(two).command(["maintenance", "drain"]);
    const { httpchk, drain } = await shows(two, { httpchk: /^DOWN/, agent: /^DRAIN/, drain: /^NOLB/ });
    expect(httpchk["last_chk"]).toBe("DRAINING: draining, set by a person: no new sessions");
    expect(drain).toMatchObject({ check_status: "L7OKC", check_code: "404" });
    await getsNothing(two);
    const left: [Way, string][] = [];
    for (const [way, guest] of guests) {
      left.push([way, await hostOf(guest).catch(() => "disconnected")]);
      guest.destroy();
    }
    // Without disable-on-404 a 404 is a failure, after which this HAProxy ends the sessions (on-marked-down).
    expect(left).toEqual([
      ["httpchk", "disconnected"],
      ["agent", two.host.name],
      ["drain", two.host.name],
    ]);
    await agentOf(two).command(["maintenance", "off"]);
    await serves(two);
  }, 40_000);

  test("is in maintenance", async () => {
    await agentOf(two).command(["maintenance", "on"]);
    const { httpchk, drain } = await shows(two, { ...DOWN, agent: /^MAINT/ });
    const reason = "MAINTENANCE: in maintenance, set by a person";
    expect(httpchk).toMatchObject({ check_code: "503", last_chk: reason });
    expect(drain).toMatchObject({ check_code: "503", last_chk: reason });
    await getsNothing(two);
    await agentOf(two).command(["maintenance", "off"]);
    await serves(two);
  }, 40_000);

  test("dies", async () => {
    await three.kill();
    const { httpchk, drain } = await shows(three, DOWN);
    expect(httpchk["last_chk"]).toMatch(LOST);
    expect(drain["last_chk"]).toMatch(LOST);
    await galera.untilSettled(othersThan(three));
    await getsNothing(three);
    await galera.rejoin(three);
    await serves(three);
  }, 60_000);

  test("hangs, though its port still takes connections", async () => {
    await three.hang();
    const { httpchk, agent, drain } = await shows(three, DOWN);
    expect(httpchk["last_chk"]).toMatch(SILENT);
    expect(drain["last_chk"]).toMatch(SILENT);
    expect(agent["check_status"]).toBe("L4OK");
    expect(agent["last_agt"]).toMatch(SILENT);
    // Else its cluster might give it up only when it is back.
    await galera.untilSettled(othersThan(three));
    await getsNothing(three);
    await three.resume();
    await serves(three);
  }, 60_000);
});

describe("the agent itself", () => {
  test("restarts without opening or closing traffic on the way of agent-check", async () => {
    await agentOf(two).command(["maintenance", "drain"]);
    await shows(two, { httpchk: /^DOWN/, agent: /^DRAIN/, drain: /^NOLB/ });
    const seen = new Map<MariaDb, Set<string>>([
      [one, new Set()],
      [two, new Set()],
    ]);
    let isOver = false;
    const watching = (async () => {
      while (!isOver) {
        const stats = await haProxy.stats();
        for (const [node, states] of seen) states.add(statsOf(stats, "agent", node)["status"] ?? "");
      }
    })();
    await Promise.all([restartAgent(one, "GALERA_SYNCED"), restartAgent(two, "DRAINING")]);
    isOver = true;
    await watching;
    expect([...seen.values()].map((states) => [...states])).toEqual([["UP"], ["DRAIN (agent)"]]);
    await agentOf(two).command(["maintenance", "off"]);
    await serves(two);
  }, 40_000);

  test("dies: httpchk takes the node out, agent-check alone changes nothing", async () => {
    const { process } = agentOf(two);
    process.kill();
    await process.ended();
    await shows(two, { ...DOWN, agent: /^UP$/ });
    // A check that was under way when it died ends otherwise.
    await eventually(
      async () => {
        const { httpchk, drain } = await shows(two, { ...DOWN, agent: /^UP$/ });
        return httpchk["check_status"] === "L4CON" && drain["check_status"] === "L4CON";
      },
      { what: "checks that cannot connect" },
    );
    await startAgent(two);
    await serves(two);
  }, 40_000);
});

async function restartAgent(node: MariaDb, code: string): Promise<void> {
  await agentOf(node).process.terminate();
  await startAgent(node, code);
}
