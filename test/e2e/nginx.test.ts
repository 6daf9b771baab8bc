import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { eventually } from "../eventually.ts";
import { Agent, createAccount } from "../lab/agent.ts";
import { type Galera, startGalera } from "../lab/galera.ts";
import type { Host } from "../lab/host.ts";
import { httpRequest } from "../lab/http.ts";
import { Lab } from "../lab/lab.ts";
import type { MariaDb } from "../lab/maria-db.ts";
import { startNginx } from "../lab/nginx.ts";
import { exchange } from "../support/raw-client.ts";

// nginx has no active checks of its own, so it is set before the health ports: it asks the next node when one says no, and
// leaves that one alone for fail_timeout (max_fails). By HTTP, with kept connections, and by TCP (stream).

const HTTP_PORT = 8080;
const STREAM_PORT = 9300;
const ROUND = 9;

let lab: Lab;
let galera: Galera;
let balancer: Host;
let two: MariaDb;
let three: MariaDb;
const agents = new Map<MariaDb, Agent>();

beforeAll(async () => {
  lab = await Lab.create({ name: "nginx" });
  balancer = await lab.host("balancer");
  galera = await startGalera(lab);
  const [one] = galera.nodes;
  [, two, three] = galera.nodes as [MariaDb, MariaDb, MariaDb];
  await createAccount(one as MariaDb);
  await Promise.all(galera.nodes.map((node) => startAgent(node)));
  await startNginx(balancer, configuration(), [HTTP_PORT, STREAM_PORT]);
}, 120_000);

afterAll(async () => {
  await lab.destroy();
});

async function startAgent(node: MariaDb): Promise<void> {
  const agent = await Agent.start(node, { flags: ["--monitor-interval", "200ms"] });
  agents.set(node, agent);
  await agent.says("GALERA_SYNCED");
}

function agentOf(node: MariaDb): Agent {
  const agent = agents.get(node);
  if (agent === undefined) throw new Error(`no agent on ${node.host.name}`);
  return agent;
}

function configuration(): string {
  const nodes = galera.nodes.map(({ address }) => `server ${address}:9200 max_fails=1 fail_timeout=1s;`);
  const scratch = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"].map(
    (name) => `${name}_temp_path ${name};`,
  );
  return `
http {
  access_log off;
  ${scratch.join(" ")}
  upstream health { ${nodes.join(" ")} keepalive 4; }
  server {
    listen ${HTTP_PORT};
    location / {
      proxy_pass http://health;
      proxy_http_version 1.1;
      proxy_set_header Connection "";
      proxy_connect_timeout 2s;
      proxy_read_timeout 2s;
      proxy_next_upstream error timeout http_503;
      add_header X-Node $upstream_addr always;
    }
  }
}
stream {
  upstream health { ${nodes.join(" ")} }
  server { listen ${STREAM_PORT}; proxy_pass health; proxy_connect_timeout 2s; }
}`;
}

interface Answer {
  readonly status: number;
  readonly body: string;
  /** Name of the host whose agent had the last word; empty when none was asked. */
  readonly node: string;
}

async function ask(): Promise<Answer> {
  const { status, body, headers } = await httpRequest(balancer.address, "/primary", { port: HTTP_PORT });
  const last = String(headers["x-node"]).split(", ").at(-1)?.split(":")[0];
  const node = galera.nodes.find(({ address }) => address === last)?.host.name ?? "";
  return { status, body, node };
}

async function askRound(): Promise<readonly Answer[]> {
  const answers: Answer[] = [];
  while (answers.length < ROUND) answers.push(await ask());
  return answers;
}

const YES = { status: 200, body: "GALERA_SYNCED: the Galera node is synced\n" };

/** Waits until a round is answered by these nodes and no other; every answer of every round on the way must be a yes. */
async function answeredBy(...nodes: readonly MariaDb[]): Promise<void> {
  const names = nodes.map(({ host }) => host.name).sort();
  const failed: Answer[] = [];
  await eventually(
    async () => {
      const answers = await askRound();
      failed.push(...answers.filter(({ status, body }) => status !== YES.status || body !== YES.body));
      const found = [...new Set(answers.map(({ node }) => node))].sort();
      if (found.join() !== names.join()) throw new Error(`answered by ${found.join(", ")}`);
      return true;
    },
    { what: `answered by ${names.join(", ")}` },
  );
  expect(failed).toEqual([]);
}

/** The other nodes answer for a node that says no, and go on to. */
async function isPassedOver(node: MariaDb): Promise<void> {
  const others = galera.nodes.filter((other) => other !== node);
  await answeredBy(...others);
  expect((await askRound()).filter((answer) => answer.node === node.host.name)).toEqual([]);
}

describe("nginx before the health ports", () => {
  test("asks every healthy node", async () => {
    await answeredBy(...galera.nodes);
  });

  test("passes over a node that is desynced, and comes back to it", async () => {
    await galera.desync(two);
    await agentOf(two).says("GALERA_DONOR");
    await isPassedOver(two);
    await galera.desync(two, false);
    await answeredBy(...galera.nodes);
  }, 30_000);

  test("passes over a node whose server was killed", async () => {
    await three.kill();
    await eventually(async () => !(await agentOf(three).status()).up, { what: "known to be down" });
    await galera.untilSettled(galera.nodes.filter((node) => node !== three));
    await isPassedOver(three);
    await galera.rejoin(three);
    await answeredBy(...galera.nodes);
  }, 60_000);

  test("passes over a node whose agent was killed, and loses no request by it", async () => {
    const { process } = agentOf(two);
    process.kill();
    await isPassedOver(two);
    await process.ended();
    await startAgent(two);
    await answeredBy(...galera.nodes);
  }, 30_000);

  test("says no when every node is in maintenance", async () => {
    const maintenance = async (word: string): Promise<void> => {
      await Promise.all(galera.nodes.map((node) => agentOf(node).command(["maintenance", word])));
    };
    await maintenance("on");
    const first = await ask();
    expect(first).toMatchObject({ status: 503, body: "MAINTENANCE: in maintenance, set by a person\n" });
    for (const { status } of await askRound()) expect(status).toBeGreaterThanOrEqual(502); // 502: none left to ask
    await maintenance("off");
    await eventually(async () => (await ask()).status === 200, { what: "nginx asks again" });
    await answeredBy(...galera.nodes);
  }, 30_000);

  test("stream: an HTTP request and a client that says nothing are both answered, also while an agent is dead", async () => {
    const answered = async (bytes: string): Promise<void> => {
      const answer = await exchange({ host: balancer.address, port: STREAM_PORT }, bytes);
      expect(answer).toStartWith("HTTP/1.1 200 OK\r\n");
      expect(answer).toEndWith(YES.body);
    };
    const ways = ["GET / HTTP/1.0\r\n\r\n", ""];
    for (const bytes of ways) await answered(bytes);
    agentOf(two).process.kill();
    await agentOf(two).process.ended();
    for (let i = 0; i < galera.nodes.length; i++) for (const bytes of ways) await answered(bytes);
    await startAgent(two);
  }, 30_000);
});
