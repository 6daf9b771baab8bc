import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { eventually } from "../eventually.ts";
import { type Galera, startGalera } from "./galera.ts";
import { Lab } from "./lab.ts";
import type { MariaDb } from "./maria-db.ts";

let lab: Lab;
let galera: Galera;
let one: MariaDb;
let two: MariaDb;
let three: MariaDb;

beforeAll(async () => {
  lab = await Lab.create({ name: "galera" });
  galera = await startGalera(lab);
  [one, two, three] = galera.nodes as [MariaDb, MariaDb, MariaDb];
});
afterAll(async () => {
  await lab.destroy();
});

async function becomes(node: MariaDb, name: string, value: string): Promise<void> {
  await eventually(async () => (await node.status(name)) === value, {
    within: 20_000,
    what: `${name} ${value}`,
  });
}

async function logs(node: MariaDb, words: string): Promise<void> {
  await eventually(() => node.log.includes(words), { what: `"${words}" in its log` });
}

async function rows(node: MariaDb): Promise<number> {
  const [, [row] = []] = await node.sql<{ n: number }[]>(
    "SET wsrep_sync_wait = 1; SELECT COUNT(*) AS n FROM lab.t",
  );
  return row?.n ?? 0;
}

describe("three Galera nodes", () => {
  test("are one cluster: what one writes the others read", async () => {
    await galera.untilSettled();
    const sizes = galera.nodes.map((node) => node.status("wsrep_cluster_size"));
    expect(await Promise.all(sizes)).toEqual(["3", "3", "3"]);
    await one.sql(
      "CREATE DATABASE lab; CREATE TABLE lab.t (a INT PRIMARY KEY); INSERT INTO lab.t VALUES (1)",
    );
    expect(await Promise.all(galera.nodes.map(rows))).toEqual([1, 1, 1]);
  });

  test("a desynced node is in state 2 until it is synced again", async () => {
    await galera.desync(two);
    expect(await two.status("wsrep_local_state")).toBe("2");
    await galera.desync(two, false);
    expect(await two.status("wsrep_local_state")).toBe("4");
  });

  test("a node cut off is non-Primary and still tells so; the others go on; restored, it joins again", async () => {
    await three.host.cut();
    await becomes(three, "wsrep_cluster_status", "non-Primary");
    await becomes(three, "wsrep_ready", "OFF");
    await galera.untilSettled([one, two]);
    await one.sql("INSERT INTO lab.t VALUES (2)");
    await three.host.restore();
    await galera.untilSettled();
    expect(await rows(three)).toBe(2);
  });

  test("a hung node is put out, and comes back when resumed", async () => {
    await two.hang();
    await galera.untilSettled([one, three]);
    await expect(two.sql("SELECT 1", 200)).rejects.toThrow();
    await two.resume();
    await galera.untilSettled();
  });

  test("a killed node rejoins with what it has, a wiped one with a donor's help", async () => {
    await three.kill();
    await galera.untilSettled([one, two]);
    await one.sql("INSERT INTO lab.t VALUES (3)");
    await galera.rejoin(three);
    await galera.untilSettled();
    expect(await rows(three)).toBe(3);
    await logs(three, "rsync IST completed on joiner");
    await three.stop();
    await galera.untilSettled([one, two]);
    await galera.rejoin(three, { needsEverything: true });
    await galera.untilSettled();
    expect(await rows(three)).toBe(3);
    await logs(three, "rsync SST completed on joiner");
  });

  test("all dead, they are brought up again with every row", async () => {
    await expect(galera.bootstrap()).rejects.toThrow("galera1, galera2, galera3 still runs");
    await one.stop();
    await galera.untilSettled([two, three]);
    await two.sql("INSERT INTO lab.t VALUES (4)");
    await Promise.all([two.kill(), three.kill()]);
    await galera.bootstrap();
    expect(await Promise.all(galera.nodes.map(rows))).toEqual([4, 4, 4]);
  });
});

test("a joiner fetches everything by mariabackup while its donor goes on answering", async () => {
  await using other = await Lab.create({ name: "mariabackup" });
  const pair = await startGalera(other, { nodes: 2, sst: "mariabackup" });
  const [donor, joiner] = pair.nodes as [MariaDb, MariaDb];
  await donor.sql("CREATE DATABASE lab");
  await joiner.stop();
  await pair.rejoin(joiner, { needsEverything: true });
  await logs(joiner, "mariabackup SST completed on joiner");
  expect(await joiner.sql("SHOW DATABASES LIKE 'lab'")).toHaveLength(1);
});
