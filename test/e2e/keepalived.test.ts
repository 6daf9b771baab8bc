// Two hosts, each with Sluice and keepalived, real VRRP between them, all of it from `sluice render keepalived`: whatever happens to
// one of them, the address moves, the passive flags follow it, and clients find it again.
import { afterAll, afterEach, beforeAll, describe, expect, test } from "bun:test";
import { renameSync } from "node:fs";
import { eventually } from "../eventually.ts";
import { Lab } from "../lab/lab.ts";
import { SLUICE, VIP_PORT, type VrrpHost } from "../lab/vrrp-host.ts";
import { VrrpPair } from "../lab/vrrp-pair.ts";
import { PairWatch } from "../support/pair-watch.ts";
import { SteadyClient } from "../support/steady-client.ts";

const ADVERT_MS = 1000;

let lab: Lab;
let pair: VrrpPair;
let boxes: readonly [VrrpHost, VrrpHost];
let watch: PairWatch;
let client: SteadyClient;

beforeAll(async () => {
  lab = await Lab.create({ name: "keepalived" });
  pair = await VrrpPair.start(lab);
  boxes = pair.boxes;
  watch = new PairWatch(boxes);
  client = new SteadyClient(pair.vip, VIP_PORT);
}, 60_000);

afterAll(async () => {
  await Promise.all([watch?.stop(), client?.stop()]);
  await lab.destroy();
});

/** The client has been torn off since `connections`, has connected again, and is answered. */
async function clientIsBack(connections: number): Promise<void> {
  await eventually(() => client.connections > connections, { what: "the client connects again" });
  await clientIsAnswered();
}

async function clientIsAnswered(): Promise<void> {
  const { answers } = client;
  await eventually(() => client.answers > answers + 5, { what: "the client is answered" });
}

describe("the pair", () => {
  // Each begins and ends with the first host in service.
  afterEach(async () => {
    await pair.isWith(boxes[0]);
    await clientIsAnswered();
    expect(watch.longestBothHold).toBeLessThan(3 * ADVERT_MS);
    expect(watch.longestBothActive).toBeLessThan(3 * ADVERT_MS);
  }, 30_000);

  test("begins with the MASTER active, and the BACKUP passive", async () => {
    await pair.isWith(boxes[0]);
    await eventually(() => boxes.every(({ track }) => track === "0"), { what: "both track files are good" });
  }, 30_000);

  test("the daemon is killed: its track file fails at once, the address moves, and comes back with it", async () => {
    const [one, two] = boxes;
    const { connections } = client;
    one.sluice.kill("SIGKILL");
    await eventually(() => one.track === "1", { within: 3000, what: "the guard has the last write" });
    await pair.isWith(two, { butNot: [one] });
    await eventually(() => !one.holdsAddress, { what: "the address is with one host alone" });
    await clientIsBack(connections);
    await one.startSluice();
  }, 40_000);

  test("the daemon hangs: the same, and it goes on where it was", async () => {
    const [one, two] = boxes;
    const { connections } = client;
    one.sluice.kill("SIGSTOP");
    await eventually(() => one.track === "1", { what: "its verdict is not renewed" });
    await pair.isWith(two, { butNot: [one] });
    await clientIsBack(connections);
    one.sluice.kill("SIGCONT");
    await eventually(() => one.track === "0", { what: "the verdict is renewed" });
  }, 40_000);

  test("the host is cut off: the other one takes over; healed, there is one again", async () => {
    const [one, two] = boxes;
    const { connections } = client;
    await one.host.cut();
    await pair.isWith(two, { butNot: [one] });
    await clientIsBack(connections);
    await one.host.restore();
  }, 40_000);

  test("keepalived is stopped: its proxy is passive", async () => {
    const [one, two] = boxes;
    const { connections } = client;
    await one.keepalived.terminate();
    await pair.isWith(two);
    await clientIsBack(connections);
    await one.startKeepalived();
  }, 40_000);

  test("the daemon of the BACKUP is restarted: it is told to be passive, though nothing has changed for keepalived", async () => {
    const [, two] = boxes;
    await two.sluice.terminate();
    await two.startSluice();
    await eventually(() => two.isPassive(), { within: 3 * ADVERT_MS, what: "it is passive" });
  }, 30_000);

  test("its check hangs: keepalived ends it, the address moves, and comes back with it", async () => {
    const [one, two] = boxes;
    const { connections } = client;
    const program = one.host.path(SLUICE);
    renameSync(program, `${program}.away`);
    one.host.write(SLUICE, "#!/bin/sh\nexec sleep 60\n", 0o755);
    await pair.isWith(two);
    await clientIsBack(connections);
    renameSync(`${program}.away`, program);
  }, 40_000);

  test("a daemon that answers late, but before the check's deadline, keeps the address", async () => {
    const [one] = boxes;
    const said = one.keepalived.output.length;
    const { connections } = client;
    for (let i = 0; i < 8; i++) {
      one.sluice.kill("SIGSTOP");
      await elapsed(500);
      one.sluice.kill("SIGCONT");
      await elapsed(200);
    }
    expect(one.keepalived.output.slice(said)).not.toMatch(/Entering|FAULT|BACKUP/);
    expect(one.holdsAddress).toBe(true);
    expect(client.connections).toBe(connections);
  }, 40_000);
});

/** How long a fault lasts; nothing is waited for. */
const elapsed = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
