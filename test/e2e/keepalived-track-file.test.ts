// The pair of keepalived.test.ts, otherwise: no check is run, keepalived watches the publisher's file (track_file); and a maxify is
// started for each change of state (notify), as with the script that it takes the place of.
import { afterAll, afterEach, beforeAll, describe, expect, test } from "bun:test";
import { eventually } from "../eventually.ts";
import { Lab } from "../lab/lab.ts";
import type { VrrpHost } from "../lab/vrrp-host.ts";
import { VrrpPair } from "../lab/vrrp-pair.ts";
import { PairWatch } from "../support/pair-watch.ts";

const ADVERT_MS = 1000;

let lab: Lab;
let pair: VrrpPair;
let boxes: readonly [VrrpHost, VrrpHost];
let watch: PairWatch;

beforeAll(async () => {
  lab = await Lab.create({ name: "keepalived-track" });
  pair = await VrrpPair.start(lab, {
    render: ["--check", "track-file", "--no-notify"],
    edit: (text) => text.replace(/^( *)interface eth0$/m, "$&\n$1notify /run/bin/maxify"),
  });
  boxes = pair.boxes;
  watch = new PairWatch(boxes);
}, 60_000);

afterAll(async () => {
  await watch?.stop();
  await lab.destroy();
});

/** The host has left its address to the other one. Each does its part by itself, so the other one may have it a moment before. */
async function hasGivenWay(box: VrrpHost): Promise<void> {
  expect(box.track).toBe("1");
  await eventually(() => !box.holdsAddress, { what: `${box.host.name} without the address` });
}

/** maxify is started for each change, and ends: none is left that still tries. */
async function noMaxifyLeft({ host }: VrrpHost): Promise<void> {
  await eventually(
    async () => {
      const { stdout } = await host.run(["ps", "-eo", "args"]);
      if (stdout.includes("maxify")) throw new Error(stdout);
      return true;
    },
    { within: 10_000, what: "every maxify ends" },
  );
}

describe("track_file and notify", () => {
  // Each begins and ends with the first host in service.
  afterEach(async () => {
    await pair.isWith(boxes[0]);
    for (const box of boxes) await noMaxifyLeft(box);
    expect(watch.longestBothHold).toBeLessThan(3 * ADVERT_MS);
    expect(watch.longestBothActive).toBeLessThan(3 * ADVERT_MS);
  }, 30_000);

  test("keepalived runs nothing to know how its host is", async () => {
    const [one] = boxes;
    expect(one.track).toBe("0");
    expect(one.keepalived.output).not.toMatch(/VRRP_Script/i);
  });

  test("the daemon is killed: the address moves, and comes back with it", async () => {
    const [one, two] = boxes;
    one.sluice.kill("SIGKILL");
    await pair.isWith(two, { butNot: [one] });
    await hasGivenWay(one);
    await one.startSluice();
  }, 40_000);

  test("the daemon hangs: the same, when its verdict is too old", async () => {
    const [one, two] = boxes;
    one.sluice.kill("SIGSTOP");
    await pair.isWith(two, { butNot: [one] });
    await hasGivenWay(one);
    one.sluice.kill("SIGCONT");
  }, 40_000);

  test("the daemon is stopped: the same", async () => {
    const [one, two] = boxes;
    await one.sluice.terminate();
    await pair.isWith(two, { butNot: [one] });
    await one.startSluice();
  }, 40_000);

  test("keepalived is stopped: its proxy is passive", async () => {
    const [one, two] = boxes;
    await one.keepalived.terminate();
    await pair.isWith(two);
    await one.startKeepalived();
  }, 40_000);
});
