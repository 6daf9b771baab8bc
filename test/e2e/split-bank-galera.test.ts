// A bank on three Galera nodes behind a service that splits: nodes are killed, hung, cut off and desynced, and no money is made or lost.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { eventually } from "../eventually.ts";
import type { Galera } from "../lab/galera.ts";
import { Lab } from "../lab/lab.ts";
import type { MariaDb } from "../lab/maria-db.ts";
import { Banks } from "../support/banks.ts";

let lab: Lab;
let banks: Banks;
let galera: Galera;

beforeAll(async () => {
  lab = await Lab.create({ name: "bank-galera" });
  banks = await Banks.open(lab, {
    isGalera: true,
    tellers: 3,
    ending: "delayed_retry=true\n",
    replaying: "transaction_replay_retry_on_deadlock=true\n",
  });
  galera = banks.fleet.galera as Galera;
}, 120_000);

afterAll(async () => {
  await banks?.close();
  await lab?.destroy();
});

/** The node that takes the writes now, and one that does not. A node that has just come back may get its role while it is asked. */
async function roles(): Promise<{ primary: MariaDb; other: MariaDb }> {
  return await eventually(async () => {
    await using connection = await banks.visit();
    await connection.query("BEGIN");
    const [row] = await connection.query<{ name: string }[]>("SELECT @@wsrep_node_name AS name");
    const primary = galera.nodes.find(({ host }) => host.name === row?.name);
    const other = galera.nodes.find((node) => node !== primary);
    if (primary === undefined || other === undefined) throw new Error(`who is ${row?.name}?`);
    return { primary, other };
  });
}

async function untilPrimary(nodes: readonly MariaDb[]): Promise<void> {
  const isMember = async (node: MariaDb): Promise<boolean> =>
    (await node.status("wsrep_cluster_status")) === "Primary" &&
    Number(await node.status("wsrep_cluster_size")) === nodes.length;
  for (const node of nodes)
    await eventually(async () => await isMember(node), {
      within: 40_000,
      what: `a cluster of ${nodes.length}`,
    });
}

/** Without this node the cluster is whole, and then with it. */
async function without(node: MariaDb, comesBack: () => Promise<void>): Promise<void> {
  const others = galera.nodes.filter((other) => other !== node);
  await untilPrimary(others);
  await banks.recovered();
  await comesBack();
  await galera.untilSettled();
  await banks.recovered();
}

describe("money moves while", () => {
  test("connections are killed on the nodes", async () => {
    await banks.killConnections();
    await banks.recovered();
  }, 90_000);

  for (const which of ["primary", "other"] as const) {
    const name = which === "primary" ? "the node that takes the writes" : "a node that is read from";

    test(`${name} is desynced for a while`, async () => {
      const node = (await roles())[which];
      await galera.desync(node);
      await banks.recovered();
      await galera.desync(node, false);
      await banks.recovered();
    }, 90_000);

    test(`${name} is killed and comes back`, async () => {
      const node = (await roles())[which];
      await node.kill();
      await without(node, async () => await galera.rejoin(node));
    }, 90_000);

    test(`${name} hangs, and is let go on`, async () => {
      const node = (await roles())[which];
      await node.hang();
      await without(node, async () => await node.resume());
    }, 90_000);

    test(`${name} is cut off`, async () => {
      const node = (await roles())[which];
      await node.host.cut();
      await without(node, async () => await node.host.restore());
    }, 90_000);
  }
});

test("what clients were told is what every node has", async () => {
  await banks.stop();
  for (const node of galera.nodes) {
    const ask = async (sql: string) =>
      await node.sql(`SET STATEMENT wsrep_sync_wait = 15 FOR ${sql}`, 30_000);
    expect(await banks.audit(node, ask)).toEqual([]);
  }
  if (process.env["SLUICE_BANK_ERRORS"] !== undefined) console.log(banks.figures);
}, 60_000);
