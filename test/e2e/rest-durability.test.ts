import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { eventually } from "../eventually.ts";
import { FleetDaemon } from "../lab/fleet-daemon.ts";
import { Lab } from "../lab/lab.ts";

// Twenty clients change the fleet over REST while the daemon is killed and started again: what was acknowledged is kept.

setDefaultTimeout(120_000);

const CLIENTS = 20;
const WRITES_EACH = 50;

let lab: Lab;
let daemon: FleetDaemon;

beforeAll(async () => {
  lab = await Lab.create({ name: "rest-durability" });
  daemon = await FleetDaemon.start(await lab.host("control"), "");
}, 60_000);

afterAll(async () => {
  await lab.destroy();
});

/** Server name and the port it was last acknowledged with. */
const acknowledged = new Map<string, number>();
let writes = 0;

/** Creates a server, alters it, creates the next: each write until it is acknowledged, as a careful client would. */
async function client(number: number): Promise<void> {
  for (let n = 0; n < WRITES_EACH; n++) {
    const name = `s${number}-${Math.floor(n / 2)}`;
    const port = 1024 + n;
    await eventually(async () => await write(name, port), { within: 60_000, what: `${name}:${port}` });
    acknowledged.set(name, port);
    writes++;
  }
}

/** True once the daemon has said yes. Not knowing whether a write came through, it is tried again. */
async function write(name: string, port: number): Promise<boolean> {
  const address = `192.0.2.${/\d+/.exec(name)}`; // no two servers may be at one place
  const parameters = { address, port };
  const created = await daemon.rest("/v1/servers", "POST", {
    data: { id: name, type: "servers", attributes: { parameters } },
  });
  if (created.status === 204) return true;
  const altered = await daemon.rest(`/v1/servers/${name}`, "PATCH", { data: { attributes: { parameters } } });
  if (altered.status !== 204) throw new Error(`${created.body} ${altered.body}`);
  return true;
}

async function ports(): Promise<Map<string, number>> {
  const { body } = await daemon.rest("/v1/servers");
  const { data } = JSON.parse(body) as {
    data: { id: string; attributes: { parameters: { port: number } } }[];
  };
  return new Map(data.map(({ id, attributes }) => [id, attributes.parameters.port]));
}

test("1,000 writes of 20 clients, kill -9 in their midst three times", async () => {
  const clients = Promise.all(Array.from({ length: CLIENTS }, (_, number) => client(number)));
  for (const share of [0.25, 0.5, 0.75]) {
    await eventually(() => writes >= CLIENTS * WRITES_EACH * share, { within: 90_000 });
    await daemon.kill();
    const before = new Map(acknowledged);
    await daemon.start();
    const kept = await ports();
    for (const [name, port] of before) expect(kept.get(name)).toBeGreaterThanOrEqual(port);
  }
  await clients;
  expect(writes).toBe(CLIENTS * WRITES_EACH);
  expect(Object.fromEntries(await ports())).toEqual(Object.fromEntries(acknowledged));
  await daemon.restart();
  expect(Object.fromEntries(await ports())).toEqual(Object.fromEntries(acknowledged));
});
