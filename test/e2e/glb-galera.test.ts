import { afterAll, beforeAll, expect, test } from "bun:test";
import { eventually } from "../eventually.ts";
import { type Galera, startGalera } from "../lab/galera.ts";
import type { Host } from "../lab/host.ts";
import { Lab } from "../lab/lab.ts";
import { sluiceAs } from "../lab/sluice.ts";

// glbd with an account: it finds the members of a real Galera cluster, and follows their state.

const PASSWORD = "Kept out of argv 1!";

let lab: Lab;
let galera: Galera;
let balancer: Host;

beforeAll(async () => {
  lab = await Lab.create({ name: "glb-galera" });
  galera = await startGalera(lab, { nodes: 2 });
  balancer = await lab.host("balancer");
  await galera.nodes[0]?.sql(`CREATE USER mon@'%' IDENTIFIED BY '${PASSWORD}'`);
}, 120_000);

afterAll(async () => {
  await lab.destroy();
});

async function getinfo(): Promise<string> {
  return (await balancer.run(["nc", "127.0.0.1", "8011"], { stdin: "getinfo\n" })).stdout;
}

test("-D: one member is named, all are found; one that leaves the cluster gets nothing more", async () => {
  const [first, second] = galera.nodes;
  balancer.write("/etc/glbd.cnf", `[client]\nuser=mon\npassword="${PASSWORD}"\n`, 0o600);
  const args = ["--defaults-extra-file", "/etc/glbd.cnf", "--state-dir", `${balancer.folder}/state`];
  const process = await balancer.spawn([
    sluiceAs(balancer, "glbd"),
    ...args,
    ...[
      "--fifo",
      `${balancer.folder}/glbd.fifo`,
      "-D",
      "-i",
      "0.3",
      "-c",
      "8011",
      "3306",
      `${first?.address}`,
    ],
  ]);
  await balancer.untilListening(process, [3306, 8011]);
  await eventually(async () => (await getinfo()).includes(`${second?.address}:3306 :    1.000`), {
    what: "the second node",
    within: 20_000,
  });
  expect(await getinfo()).toContain("Destinations: 2,");
  // One of two that is killed takes the majority with it; one that is shut down does not.
  await second?.stop();
  await eventually(async () => (await getinfo()).includes("Destinations: 1,"), {
    what: "the node that is gone",
    within: 30_000,
  });
  await process.terminate();
}, 90_000);
