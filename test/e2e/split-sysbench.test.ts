// Every OLTP script of sysbench through a service that splits, with prepared statements and without: no session is lost (deadlocks InnoDB has by itself), and replicas do the reading.
import { afterAll, describe, expect, test } from "bun:test";
import { eventually } from "../eventually.ts";
import { Lab } from "../lab/lab.ts";
import { run } from "../lab/run.ts";
import { runSluice } from "../lab/sluice.ts";
import { FLEET_PASSWORD } from "../support/fleet-settings.ts";
import { type SplitFleet, startSplitFleet } from "../support/split-fleet.ts";

const PORT = 4006;
const POOLED = 4007;
const SCRIPTS = [
  "oltp_read_write",
  "oltp_read_only",
  "oltp_write_only",
  "oltp_point_select",
  "oltp_insert",
  "oltp_delete",
  "oltp_update_index",
  "oltp_update_non_index",
  "select_random_points",
  "select_random_ranges",
];

/** sysbench may fail to insert and end well. */
const COUNT_BULK = `SELECT ${[1, 2, 3, 4].map((i) => `(SELECT COUNT(*) FROM app.sbtest${i})`).join(" + ")} AS n`;

const labs: Lab[] = [];
afterAll(async () => {
  await Promise.all(labs.map(async (lab) => await lab.destroy()));
});

describe.each([
  ["a primary with two replicas", false],
  ["three Galera nodes", true],
] as const)("%s", (_, isGalera) => {
  let fleet: SplitFleet;

  const sysbench = async (script: string, command: string, ...more: readonly string[]): Promise<string> => {
    const { proxy } = fleet;
    const target = [
      `--mysql-host=${proxy.address}`,
      "--mysql-user=app",
      `--mysql-password=${FLEET_PASSWORD}`,
      "--mysql-db=app",
    ];
    const size = ["--tables=2", "--table-size=400", "--threads=4", "--time=0", "--events=60"];
    const { stdout, code } = await run(["sysbench", script, ...target, ...size, ...more, command], {
      mayFail: true,
      timeoutMs: 40_000,
    });
    if (code !== 0)
      throw new Error(`sysbench ${script} ${command} ${more.join(" ")}: ${stdout.slice(-1500)}`);
    return stdout;
  };
  const counts = async (): Promise<Record<string, { reads: number; writes: number }>> => {
    const { data } = JSON.parse((await runSluice(fleet.proxy, ["list", "services", "--json"])).stdout);
    return data.find(({ id }: { id: string }) => id === "split").attributes.router_diagnostics.servers;
  };

  test("starts", async () => {
    const lab = await Lab.create({ name: isGalera ? "sysbench-galera" : "sysbench" });
    labs.push(lab);
    fleet = await startSplitFleet(lab, {
      isGalera,
      services: [
        { name: "split", port: PORT },
        { name: "pooled", port: POOLED, more: "idle_session_pool_time=0s\n" },
      ],
      server: "persistpoolmax=8\npersistmaxtime=60s\n",
      checkTimeoutMs: 10_000,
    });
    await sysbench("oltp_read_write", "prepare", `--mysql-port=${PORT}`);
    await fleet.caughtUp();
  }, 120_000);

  for (const script of SCRIPTS)
    test(`${script}, prepared or not`, async () => {
      for (const mode of ["auto", "disable"])
        for (const port of [PORT, POOLED])
          expect(await sysbench(script, "run", `--mysql-port=${port}`, `--db-ps-mode=${mode}`)).toMatch(
            /reconnects:\s+0 /,
          );
    }, 60_000);

  test("replicas have done the reading, the primary all of the writing", async () => {
    await eventually(
      async () => Object.values(await counts()).filter(({ reads }) => reads > 50).length >= 2,
      { what: "reads counted on two servers" },
    );
    expect(Object.values(await counts()).filter(({ writes }) => writes > 0)).toHaveLength(1);
    const [first, ...others] = fleet.servers;
    await fleet.caughtUp();
    const sums = await Promise.all(
      [first, ...others].map(async (server) => await server?.sql("CHECKSUM TABLE app.sbtest1, app.sbtest2")),
    );
    expect(sums[1]).toEqual(sums[0]);
    expect(sums[2]).toEqual(sums[0]);
  }, 60_000);

  test("bulk_insert", async () => {
    // Its tables have the same names.
    await sysbench("oltp_read_write", "cleanup", `--mysql-port=${PORT}`);
    await sysbench("bulk_insert", "prepare", `--mysql-port=${PORT}`);
    await sysbench("bulk_insert", "run", `--mysql-port=${PORT}`, "--events=3000");
    await fleet.caughtUp();
    const [row] = (await fleet.servers[0]?.sql(COUNT_BULK)) ?? [];
    expect(row).toEqual({ n: 3000 });
  }, 60_000);
});
