import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { eventually } from "../eventually.ts";
import { FleetDaemon } from "../lab/fleet-daemon.ts";
import { type Galera, startGalera } from "../lab/galera.ts";
import { Lab } from "../lab/lab.ts";
import type { MariaDb } from "../lab/maria-db.ts";
import { PrimaryWatch } from "../support/primary-watch.ts";

// Three Galera nodes in every trouble that changes roles, as one daemon elsewhere sees them.

setDefaultTimeout(90_000);

const PASSWORD = "Kept out of argv 1!";
const MASTER = "Master, Synced, Running";
const SLAVE = "Slave, Synced, Running";
const RUNNING = "Running";
const DOWN = "Down";

let lab: Lab;
let galera: Galera;
/** Nodes by the names they have in the fleet; node 0 by wsrep_local_index is the primary. */
let daemon: FleetDaemon;
let watch: PrimaryWatch;

beforeAll(async () => {
  lab = await Lab.create({ name: "fleet-galera" });
  galera = await startGalera(lab);
  await node(1).sql(
    `CREATE USER watcher@'%' IDENTIFIED BY '${PASSWORD}'; GRANT SUPER ON *.* TO watcher@'%'; CREATE DATABASE app`,
  );
  const servers = galera.nodes.map(
    ({ host }) => `[${host.name}]\ntype=server\naddress=${host.address}\npriority=${host.name.slice(-1)}\n`,
  );
  const names = galera.nodes.map(({ host }) => host.name).join(",");
  daemon = await FleetDaemon.start(
    await lab.host("control"),
    `${servers.join("\n")}
[cluster]
type=monitor
module=galeramon
servers=${names}
user=watcher
password=${PASSWORD}
monitor_interval=200ms
check_timeout=500ms
use_priority=true
set_donor_nodes=true
`,
  );
  await daemon.becomes({ galera1: MASTER, galera2: SLAVE, galera3: SLAVE });
  watch = new PrimaryWatch(daemon);
}, 180_000);

afterAll(async () => {
  await lab.destroy();
});

function node(number: 1 | 2 | 3): MariaDb {
  return galera.nodes[number - 1] as MariaDb;
}

/** Plays a trouble and its end, and gives back the events of both; never may there have been two primaries. */
async function story(play: () => Promise<void>): Promise<readonly string[]> {
  const events = await watch.during(() => daemon.eventsOf(play));
  expect(watch.mostPrimaries).toBeLessThanOrEqual(1);
  return events;
}

test("the primary is killed: the next by priority takes over, and gives back", async () => {
  const events = await story(async () => {
    await node(1).configure({ wsrep_sst_donor: "galera3," }); // a donor is out of sync for a moment, and galera2 is to stay the primary
    await node(1).kill();
    await daemon.becomes({ galera1: DOWN, galera2: MASTER, galera3: SLAVE });
    await galera.rejoin(node(1));
    await daemon.becomes({ galera1: MASTER, galera2: SLAVE, galera3: SLAVE });
  });
  expect(events.filter((event) => event.endsWith("_primary"))).toEqual([
    "galera1 lost_primary",
    "galera2 new_primary",
    "galera2 lost_primary",
    "galera1 new_primary",
  ]);
  expect(events).toContain("galera1 server_down");
  expect(events).toContain("galera1 lost_synced");
  expect(events).toContain("galera1 server_up");
  expect(events).toContain("galera1 new_synced");
});

test("a node is stopped and started again", async () => {
  const events = await story(async () => {
    await node(3).configure({ wsrep_sst_donor: "galera2," }); // a donor is out of sync for a moment
    await node(3).stop();
    await daemon.becomes({ galera1: MASTER, galera2: SLAVE, galera3: DOWN });
    await galera.rejoin(node(3));
    await daemon.becomes({ galera1: MASTER, galera2: SLAVE, galera3: SLAVE });
  });
  expect(events.filter((event) => event.endsWith("_primary"))).toEqual([]);
  expect(events).toContain("galera3 server_down");
  expect(events.at(-1)).toMatch(/^galera3 new_(replica|synced)$/);
});

describe("a node out of sync", () => {
  test("is no replica until it is back", async () => {
    const events = await story(async () => {
      await galera.desync(node(2));
      await daemon.becomes({ galera1: MASTER, galera2: RUNNING });
      await galera.desync(node(2), false);
      await daemon.becomes({ galera1: MASTER, galera2: SLAVE });
    });
    expect(events.filter((event) => !event.startsWith("galera2 "))).toEqual([]);
  });

  test("if it is the primary, hands the role on", async () => {
    const events = await story(async () => {
      await galera.desync(node(1));
      await daemon.becomes({ galera1: RUNNING, galera2: MASTER });
      await galera.desync(node(1), false);
      await daemon.becomes({ galera1: MASTER, galera2: SLAVE });
    });
    expect(events.filter((event) => event.endsWith("new_primary"))).toEqual([
      "galera2 new_primary",
      "galera1 new_primary",
    ]);
  });
});

test("the primary hangs", async () => {
  await story(async () => {
    await node(1).hang();
    await daemon.becomes({ galera1: DOWN, galera2: MASTER });
    await node(1).resume();
    await galera.untilSettled();
    await daemon.becomes({ galera1: MASTER, galera2: SLAVE, galera3: SLAVE });
  });
});

/** Waits until a node knows that it is in a component of so many. The daemon notices a fault long before the nodes part. */
async function untilParted(number: 1 | 2 | 3, size: string): Promise<void> {
  await eventually(async () => (await node(number).status("wsrep_cluster_size")) === size, {
    within: 20_000,
    what: `a component of ${size}`,
  });
}

test("the primary's network is cut: it is in no component that the others know", async () => {
  const events = await story(async () => {
    await node(1).host.cut();
    await daemon.becomes({ galera1: DOWN, galera2: MASTER, galera3: SLAVE });
    await Promise.all([untilParted(1, "1"), untilParted(2, "2"), untilParted(3, "2")]);
    await node(1).sql("SET GLOBAL wsrep_sst_donor = 'galera3,'"); // nobody could tell it that galera2 is now to be spared
    await node(1).host.restore();
    await galera.untilSettled();
    await daemon.becomes({ galera1: MASTER, galera2: SLAVE, galera3: SLAVE });
  });
  expect(events.filter((event) => event.endsWith("new_primary"))).toEqual([
    "galera2 new_primary",
    "galera1 new_primary",
  ]);
});

test("two nodes die by kill -9: the third is alone, and no primary without a Primary component", async () => {
  await story(async () => {
    await Promise.all([node(2).kill(), node(3).kill()]);
    await daemon.becomes({ galera1: RUNNING, galera2: DOWN, galera3: DOWN }, 40_000);
    await node(1).sql("SET GLOBAL wsrep_provider_options='pc.bootstrap=YES'");
    await daemon.becomes({ galera1: MASTER });
    await Promise.all([galera.rejoin(node(2)), galera.rejoin(node(3))]);
    await daemon.becomes({ galera1: MASTER, galera2: SLAVE, galera3: SLAVE });
  });
});

test("set_donor_nodes tells every node to ask replicas for state first", async () => {
  // One that has just come back was told while not all of them were replicas again.
  await eventually(
    async () => {
      const list = await node(2).variable("wsrep_sst_donor");
      if (list.split(",").sort().join() === ",galera2,galera3") return true;
      throw new Error(list);
    },
    { what: "both replicas, and then anybody" },
  );
});

test("status shows the whole fleet, events what happened to it", async () => {
  const status = await daemon.command("status");
  expect(status.code).toBe(0);
  expect(status.stdout).toContain("galera1");
  const events = await daemon.command("events");
  expect(events.stdout).toContain("new_primary");
  const list = await daemon.command("list", "servers");
  expect(list.stdout).toContain(MASTER);
});
