/**
 * test/support/soak/: random faults under load, and afterwards the question whether anything was lost.
 *
 *   Inserters ─▶ balancer ─▶ three Galera nodes ◀─ FAULTS, one at a time, each healed before the next
 */
import { Balancer, residentMb } from "../../lab/balancer.ts";
import { type Galera, startGalera } from "../../lab/galera.ts";
import { Lab } from "../../lab/lab.ts";
import type { MariaDb } from "../../lab/maria-db.ts";
import { seededRandom } from "../seeded-random.ts";
import { FAULTS, type Fault, type SoakStage } from "./faults.ts";
import { CREATE_INSERTERS_TABLE, INSERTERS_TABLE, Inserters } from "./inserters.ts";

export interface SoakSettings {
  /** New faults begin for so long; each kind comes at least once, undisturbed, however long that takes. */
  readonly minutes: number;
  readonly clients: number;
  /** The same seed gives the same faults in the same order. */
  readonly seed: number;
  /** Told of what happens, a line at a time. */
  say(line: string): void;
}

export interface SoakResult {
  /** How often each fault came. */
  readonly faults: ReadonlyMap<string, number>;
  /** Errors that clients saw, by code. */
  readonly errors: ReadonlyMap<string, number>;
  /** Errors during faults that nobody should notice. */
  readonly errorsOfGentleFaults: number;
  readonly acknowledged: number;
  /** Rows that were acknowledged and are not there. */
  readonly lost: number;
  readonly longestStallMs: number;
  /** Clients whose statement was neither answered nor ended. */
  readonly isAnyoneStuck: boolean;
  /** Sessions the proxy has when no client is there any more. */
  readonly sessionsLeft: number;
  /** Memory of each worker, MB, once a second; a worker that was killed is followed by its successor. */
  readonly memory: readonly number[];
}

const SERVICE = "all";
const PORT = 4006;
const ACCOUNT = { user: "app", password: "Not in argv 1!" };
/** Longer than any fault lasts with all its consequences. */
const STUCK_MS = 60_000;
const LAST_MS = { least: 1000, most: 4000 };

export async function soak(settings: SoakSettings): Promise<SoakResult> {
  await using lab = await Lab.create({ name: "soak" });
  const stage = await startStage(lab);
  const target = { host: stage.balancer.host.address, port: PORT, ...ACCOUNT };
  // Two generators: how often clients draw depends on the time, and the faults must not.
  const inserters = new Inserters(target, settings.clients, seededRandom(settings.seed + 1));
  const random = seededRandom(settings.seed);
  const memory: number[] = [];
  const sampling = setInterval(() => memory.push(mostResident(stage.balancer)), 1000);
  const story = await playFaults(stage, inserters, settings, random).finally(() => clearInterval(sampling));
  const isAnyoneStuck = !(await inserters.stop(STUCK_MS));
  return {
    ...story,
    errors: inserters.errors,
    acknowledged: inserters.total,
    lost: await countLost(stage.galera, inserters),
    isAnyoneStuck,
    sessionsLeft: await untilZero(async () => (await stage.balancer.list("sessions")).length),
    memory: memory.filter((mb) => mb > 0),
  };
}

async function startStage(lab: Lab): Promise<SoakStage> {
  const galera = await startGalera(lab);
  const { user, password } = ACCOUNT;
  await galera.nodes[0]?.sql(
    `CREATE USER ${user}@'%' IDENTIFIED BY '${password}'; GRANT ALL ON *.* TO ${user}@'%'; ${CREATE_INSERTERS_TABLE}`,
  );
  const balancer = await Balancer.start(await lab.host("proxy"), {
    servers: galera.nodes,
    module: "galeramon",
    user,
    password,
    services: [{ name: SERVICE, port: PORT, service: "router_options=synced\nconnect_timeout=1s" }],
  });
  await balancer.untilUses(SERVICE, galera.nodes);
  return { galera, balancer, service: SERVICE };
}

type Story = Pick<SoakResult, "faults" | "errorsOfGentleFaults" | "longestStallMs">;

async function playFaults(
  stage: SoakStage,
  inserters: Inserters,
  { minutes, say }: SoakSettings,
  random: () => number,
): Promise<Story> {
  const endsAt = performance.now() + minutes * 60_000;
  const faults = new Map<string, number>();
  let errorsOfGentleFaults = 0;
  let longestStallMs = 0;
  let bag: Fault[] = [];
  while (faults.size < FAULTS.length || performance.now() < endsAt) {
    if (bag.length === 0) bag = shuffled(FAULTS, random);
    const fault = bag.pop() as Fault;
    const { failures, total } = inserters;
    inserters.longestMs = 0;
    const begunAt = Date.now();
    await playFault(stage, fault, inserters, random);
    const seen = inserters.failures - failures;
    longestStallMs = Math.max(longestStallMs, inserters.longestMs);
    say(
      `${fault.name.padEnd(24)} ${String(inserters.total - total).padStart(7)} inserts, ${String(seen).padStart(4)} errors, longest stall ${(inserters.longestMs / 1000).toFixed(1)} s, ${mostResident(stage.balancer).toFixed(0)} MB`,
    );
    // On a busy machine nodes lose each other by themselves: what clients see then says nothing about the fault, which is played again.
    const others = fault.isGentle && seen > 0 ? stage.balancer.failures(begunAt) : [];
    for (const line of others) say(`  ${line}`);
    if (others.length > 0) continue;
    faults.set(fault.name, (faults.get(fault.name) ?? 0) + 1);
    if (fault.isGentle) errorsOfGentleFaults += seen;
  }
  return { faults, errorsOfGentleFaults, longestStallMs };
}

async function playFault(
  stage: SoakStage,
  fault: Fault,
  inserters: Inserters,
  random: () => number,
): Promise<void> {
  const { nodes } = stage.galera;
  const node = nodes[Math.floor(random() * nodes.length)] as MariaDb;
  await fault.begin(stage, node);
  await pause(LAST_MS.least + random() * (LAST_MS.most - LAST_MS.least));
  await fault.end(stage, node);
  await stage.galera.untilSettled();
  await stage.balancer.untilUses(stage.service, nodes);
  // Nobody waits any more for what this fault has begun.
  const before = performance.now();
  while (inserters.waitingMs > performance.now() - before && performance.now() - before < STUCK_MS)
    await pause(20);
}

/** Rows of the acknowledged ones that some node does not have. */
async function countLost({ nodes }: Galera, { acknowledged, total }: Inserters): Promise<number> {
  const limits = acknowledged.map((count, client) => `WHEN ${client} THEN ${count}`);
  const query = `SELECT SUM(i < CASE client ${limits.join(" ")} END) AS found FROM ${INSERTERS_TABLE}`;
  const lost = async (node: MariaDb): Promise<number> =>
    total - ((await node.sql<{ found: number }>(query, 60_000))[0]?.found ?? 0);
  // The last ones may still be on their way to the other nodes.
  const counts = await Promise.all(nodes.map(async (node) => await untilZero(async () => await lost(node))));
  return Math.max(...counts);
}

/** Asks until it is 0, or the time is over, and gives back what it was last. */
async function untilZero(ask: () => Promise<number>): Promise<number> {
  const endsAt = performance.now() + STUCK_MS;
  for (;;) {
    const left = await ask();
    if (left === 0 || performance.now() >= endsAt) return left;
    await pause(200);
  }
}

/** The largest of the workers, MB; 0: none can be seen now. */
function mostResident(balancer: Balancer): number {
  try {
    return Math.max(0, ...balancer.workers.map(residentMb).filter((mb) => mb > 0));
  } catch {
    return 0; // the control process has just been killed
  }
}

function shuffled<T>(items: readonly T[], random: () => number): T[] {
  const drawn = items.map((item) => ({ item, lot: random() }));
  return drawn.sort((a, b) => a.lot - b.lot).map(({ item }) => item);
}

const pause = async (ms: number): Promise<void> => await new Promise((resolve) => setTimeout(resolve, ms));
