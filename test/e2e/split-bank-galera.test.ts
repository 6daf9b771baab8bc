// A bank on three Galera nodes behind a service that splits: nodes are killed, hung, cut off and desynced, and no money is made or lost.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { eventually } from "../eventually.ts";
import type { Galera } from "../lab/galera.ts";
import { Lab } from "../lab/lab.ts";
import type { MariaDb } from "../lab/maria-db.ts";
import { BANK_SQL, Bank } from "../support/bank.ts";
import { type SplitFleet, startSplitFleet } from "../support/split-fleet.ts";

const PORT = 4006;
const REPLAYING = 4007;
const RECOVERY = { within: 40_000, what: "every client going on" };

let lab: Lab;
let fleet: SplitFleet;
let galera: Galera;
let banks: Bank[];

beforeAll(async () => {
  lab = await Lab.create({ name: "bank-galera" });
  fleet = await startSplitFleet(lab, {
    isGalera: true,
    services: [
      { name: "split", port: PORT, more: "master_failure_mode=error_on_write\ndelayed_retry=true\n" },
      {
        name: "replaying",
        port: REPLAYING,
        more: "transaction_replay=true\ntransaction_replay_retry_on_deadlock=true\ntransaction_replay_checksum=no_insert_id\ndelayed_retry=true\ndelayed_retry_timeout=15s\n",
      },
    ],
    server: "persistpoolmax=4\npersistmaxtime=60s\n",
    options: { innodb_flush_log_at_trx_commit: 2 },
    sql: BANK_SQL,
  });
  galera = fleet.galera as Galera;
  banks = [PORT, REPLAYING].map(
    (port, i) => new Bank(async () => await fleet.client(port, { socketTimeout: 20_000 }), 3, 3, `bank${i}-`),
  );
  await recovered();
}, 120_000);

afterAll(async () => {
  await Promise.all((banks ?? []).map(async (bank) => await bank.stop()));
  await fleet?.sluice.terminate();
  await lab?.destroy();
});

/** Every client does something again. */
async function recovered(): Promise<void> {
  const goOn = banks.map((bank) => bank.progress());
  await eventually(() => goOn.every((isDone) => isDone()), RECOVERY);
}

/** The node that takes the writes now, and one that does not. */
async function roles(): Promise<{ primary: MariaDb; other: MariaDb }> {
  const connection = await fleet.client(PORT);
  await connection.query("BEGIN");
  const [row] = await connection.query<{ name: string }[]>("SELECT @@wsrep_node_name AS name");
  await connection.end();
  const primary = galera.nodes.find(({ host }) => host.name === row?.name);
  const other = galera.nodes.find((node) => node !== primary);
  if (primary === undefined || other === undefined) throw new Error(`who is ${row?.name}?`);
  return { primary, other };
}

/** Nodes that hang or are cut off know nothing of it: what they say of themselves counts only once the others have taken them back. */
async function untilMembers(nodes: readonly MariaDb[], count: number): Promise<void> {
  const isMember = async (node: MariaDb): Promise<boolean> =>
    (await node.status("wsrep_cluster_status")) === "Primary" &&
    Number(await node.status("wsrep_cluster_size")) === count;
  for (const node of nodes)
    await eventually(async () => await isMember(node), { within: 40_000, what: `a cluster of ${count}` });
}

/** Without this node the cluster is whole, and then with it. */
async function without(node: MariaDb, comesBack: () => Promise<void>): Promise<void> {
  const others = galera.nodes.filter((other) => other !== node);
  await untilMembers(others, 2);
  await recovered();
  await comesBack();
  await untilMembers([...others, node], 3);
  await galera.untilSynced();
  await recovered();
}

describe("money moves while", () => {
  test("connections are killed on the nodes", async () => {
    for (let i = 0; i < 10; i++)
      for (const node of galera.nodes) {
        const rows = await node.sql<{ id: number }>(
          "SELECT id FROM information_schema.processlist WHERE user = 'app' ORDER BY RAND() LIMIT 3",
        );
        for (const { id } of rows) await node.sql(`KILL ${id}`).catch(() => {});
      }
    await recovered();
  }, 90_000);

  for (const which of ["primary", "other"] as const) {
    const name = which === "primary" ? "the node that takes the writes" : "a node that is read from";

    test(`${name} is desynced for a while`, async () => {
      const node = (await roles())[which];
      await galera.desync(node);
      await recovered();
      await galera.desync(node, false);
      await recovered();
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
  await Promise.all(banks.map(async (bank) => await bank.stop()));
  for (const node of galera.nodes) {
    const ask = async (sql: string) =>
      await node.sql(`SET STATEMENT wsrep_sync_wait = 15 FOR ${sql}`, 30_000);
    expect((await ask("SELECT token FROM app.ledger")).length).toBeGreaterThan(50);
    for (const bank of banks) expect(await bank.audit(ask)).toEqual([]);
  }
  if (process.env["SLUICE_BANK_ERRORS"] !== undefined)
    console.log(banks.map(({ errors, acknowledged, reads }) => ({ errors, acknowledged, reads })));
}, 60_000);
