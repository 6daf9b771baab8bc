import { existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { eventually } from "../eventually.ts";
import type { Host } from "./host.ts";
import type { Lab } from "./lab.ts";
import { LabError } from "./lab-error.ts";
import { MariaDb, type MariaDbSettings } from "./maria-db.ts";

export interface GaleraSettings extends MariaDbSettings {
  /** Default 3. */
  readonly nodes?: number;
  /** How a joiner gets the whole data set. Default rsync, which blocks the donor; mariabackup does not. */
  readonly sst?: "rsync" | "mariabackup";
  /** Host names are this and a number from 1. Default "galera". */
  readonly prefix?: string;
}

/** Failures are noticed in two or three seconds, not in the five to fifteen of the defaults; shorter splits a busy machine. */
const PROVIDER_OPTIONS = {
  "evs.keepalive_period": "PT0.2S",
  "evs.inactive_check_period": "PT0.2S",
  "evs.join_retrans_period": "PT0.2S",
  "evs.causal_keepalive_period": "PT0.2S",
  "evs.suspect_timeout": "PT2S",
  "evs.inactive_timeout": "PT5S",
  "evs.install_timeout": "PT4S",
  "evs.delay_margin": "PT0.5S",
  "gmcast.peer_timeout": "PT1S",
  "gmcast.time_wait": "PT1S",
  "pc.announce_timeout": "PT0.5S",
  "pc.linger": "PT1S",
  "pc.recovery": "false",
  "gcache.size": "8M",
};
const SYNC_DEADLINE_MS = 40_000;
/** Nodes agree on a new view within evs.inactive_timeout and evs.install_timeout. */
const PRIMARY_DEADLINE_MS = 12_000;

/** How far a node has got in the history of a cluster. */
interface Position {
  readonly uuid: string;
  readonly seqno: number;
}

/** A Galera cluster. Each node is a server like any other: kill it, hang it, cut its host. */
export class Galera {
  readonly nodes: readonly MariaDb[];

  constructor(nodes: readonly MariaDb[]) {
    this.nodes = nodes;
  }

  /** Resolves once the nodes are Synced members of the Primary component. Default: all of them. */
  async untilSynced(nodes: readonly MariaDb[] = this.nodes): Promise<void> {
    await Promise.all(nodes.map(async (node) => await this.untilState(node, "Synced")));
  }

  /**
   * Resolves once the nodes are Synced members of one and the same view, which has no other members, and have heard each other in it.
   * A node that was hung or cut off believes for a while that nothing has happened, and so may the others; when they have found out,
   * all of them leave the Primary component for a moment.
   * @param nodes default: all of them; else those that go on without the others
   */
  async untilSettled(nodes: readonly MariaDb[] = this.nodes): Promise<void> {
    const areSettled = async (): Promise<boolean> => {
      await Promise.all(nodes.map(async (node) => await hearAll(node)));
      const views = await Promise.all(nodes.map(async (node) => await viewOf(node)));
      const [first = ""] = views;
      if (
        first.startsWith("Primary ") &&
        first.endsWith(` of ${nodes.length}`) &&
        views.every((view) => view === first)
      )
        return true;
      throw new LabError(`they are in the views ${views.join(", ")}`);
    };
    const what = `one view of ${nodes.map(({ host }) => host.name).join(", ")}`;
    await eventually(areSettled, { within: SYNC_DEADLINE_MS, every: 100, what });
    await this.untilSynced(nodes);
  }

  /** Resolves once every node has committed all that any node has committed by now. */
  async untilCaughtUp(): Promise<void> {
    const committedBy = async (node: MariaDb): Promise<number> =>
      Number(await node.status("wsrep_last_committed"));
    const last = Math.max(...(await Promise.all(this.nodes.map(committedBy))));
    for (const node of this.nodes)
      await eventually(async () => (await committedBy(node)) >= last, {
        within: SYNC_DEADLINE_MS,
        what: `${node.host.name} at ${last}`,
      });
  }

  /** Waits for a value of wsrep_local_state_comment. */
  async untilState(node: MariaDb, state: string): Promise<void> {
    const isThere = async (): Promise<boolean> => (await node.status("wsrep_local_state_comment")) === state;
    await eventually(isThere, { within: SYNC_DEADLINE_MS, what: `${node.host.name} ${state}` });
  }

  /** Makes a node Donor/Desynced (state 2), or lets it be Synced again. */
  async desync(node: MariaDb, isDesynced = true): Promise<void> {
    await node.sql(`SET GLOBAL wsrep_desync = ${isDesynced ? "ON" : "OFF"}`);
    await this.untilState(node, isDesynced ? "Donor/Desynced" : "Synced");
  }

  /**
   * Starts a node that was stopped or killed and waits until it is Synced.
   * A donor leaves Synced for it, and is back a little later than the node: those that ran before are waited for, too.
   * @param needsEverything it fetches the whole data set; else only what it missed
   */
  async rejoin(node: MariaDb, { needsEverything = false } = {}): Promise<void> {
    if (needsEverything) rmSync(grastate(node), { force: true });
    const others = this.nodes.filter((other) => other.isRunning);
    await this.#keepPrimary(others);
    await this.#start(node, needsEverything ? undefined : await recoverPosition(node));
    await this.untilSynced(others);
  }

  /**
   * A busy machine can part those that are left when one is killed; then each has lost the majority, and only an operator can say
   * that theirs is the cluster, as long as the one that was killed has not come back as it was.
   */
  async #keepPrimary(alive: readonly MariaDb[]): Promise<void> {
    const isPrimary = async (): Promise<boolean> => {
      const found = await Promise.all(alive.map((node) => node.status("wsrep_cluster_status")));
      return found.includes("Primary");
    };
    const again = { within: PRIMARY_DEADLINE_MS, every: 100, what: "a node of the Primary component" };
    if (alive.length === 0 || (await eventually(isPrimary, again).catch(() => false))) return;
    await alive[0]?.sql("SET GLOBAL wsrep_provider_options = 'pc.bootstrap=YES'");
    await eventually(isPrimary, again);
  }

  /** Starts the cluster again when no node runs: the most advanced one first, then the others join it. */
  async bootstrap(): Promise<void> {
    const alive = this.nodes.filter((node) => node.isRunning);
    if (alive.length > 0)
      throw new LabError(`${alive.map((node) => node.host.name).join(", ")} still runs; rejoin the others`);
    const found = await Promise.all(
      this.nodes.map(async (node) => ({ node, position: await recoverPosition(node) })),
    );
    const [first, ...others] = found.sort((a, b) => seqnoOf(b.position) - seqnoOf(a.position));
    if (!first) return;
    allowBootstrap(first.node);
    await this.#start(first.node, first.position, "--wsrep-new-cluster");
    await Promise.all(others.map(async ({ node, position }) => await this.#start(node, position)));
    await this.untilSettled();
  }

  async #start(node: MariaDb, position: Position | undefined, ...args: readonly string[]): Promise<void> {
    const from = position ? [`--wsrep-start-position=${position.uuid}:${position.seqno}`] : [];
    await node.start(...from, ...args);
    await this.untilState(node, "Synced");
  }
}

/**
 * Forms a cluster. The nodes start from copies of one datadir that has been a cluster of one, so the joiners need only what
 * happened since (IST) and not everything (SST): seconds instead of half a minute.
 */
export async function startGalera(lab: Lab, settings: GaleraSettings = {}): Promise<Galera> {
  const { nodes: count = 3, prefix = "galera" } = settings;
  const hosts = await Promise.all(Array.from({ length: count }, (_, i) => lab.host(`${prefix}${i + 1}`)));
  const [firstHost, ...otherHosts] = hosts;
  if (!firstHost) throw new LabError("a Galera cluster has at least one node");
  const first = await MariaDb.create(firstHost, nodeSettings(firstHost, hosts, settings));
  await new Galera([first]).bootstrap();
  await first.stop();
  rmSync(join(first.datadir, "galera.cache"), { force: true });
  const others = await Promise.all(
    otherHosts.map((host) => MariaDb.create(host, nodeSettings(host, hosts, settings), first.datadir)),
  );
  const galera = new Galera([first, ...others]);
  await galera.bootstrap();
  return galera;
}

/** A read that waits for what the cluster has agreed on before it: a question that every member has to answer. Rejects where one does not. */
async function hearAll(node: MariaDb): Promise<void> {
  await node.sql("SET wsrep_dirty_reads = OFF, wsrep_sync_wait = 1; SELECT 1");
}

/** The view of the cluster that a node is in, e.g. `Primary 17 of 3`. */
async function viewOf(node: MariaDb): Promise<string> {
  const [status, id, size] = await Promise.all(
    ["wsrep_cluster_status", "wsrep_cluster_conf_id", "wsrep_cluster_size"].map((name) => node.status(name)),
  );
  return `${status} ${id} of ${size}`;
}

function nodeSettings(host: Host, members: readonly Host[], settings: GaleraSettings): MariaDbSettings {
  const provider = Object.entries(PROVIDER_OPTIONS).map(([name, value]) => `${name}=${value}`);
  return {
    ...settings,
    options: {
      wsrep_on: true,
      wsrep_provider: "/usr/lib/galera/libgalera_smm.so",
      wsrep_provider_options: provider.join(";"),
      wsrep_cluster_name: settings.prefix ?? "galera",
      wsrep_cluster_address: `gcomm://${members.map((member) => member.address).join(",")}`,
      wsrep_node_address: host.address,
      wsrep_node_name: host.name,
      wsrep_sst_method: settings.sst ?? "rsync",
      wsrep_sst_auth: "root:",
      binlog_format: "ROW",
      innodb_autoinc_lock_mode: 2,
      ...settings.options,
    },
  };
}

/** A node that was not the last to stop refuses to start a cluster, unless told that this is meant. */
function allowBootstrap(node: MariaDb): void {
  if (!existsSync(grastate(node))) return; // it has never been in a cluster
  const text = readFileSync(grastate(node), "utf8");
  writeFileSync(grastate(node), text.replace("safe_to_bootstrap: 0", "safe_to_bootstrap: 1"));
}

/** Where a node stands, from its log of transactions as after a crash; nothing if it has never been in a cluster. */
async function recoverPosition(node: MariaDb): Promise<Position | undefined> {
  const process = await node.launch("--wsrep-recover");
  await process.ended();
  const [, uuid, seqno] = process.output.match(/Recovered position: ([0-9a-f-]{36}):(-?\d+)/) ?? [];
  return uuid && seqno && Number(seqno) >= 0 ? { uuid, seqno: Number(seqno) } : undefined;
}

function seqnoOf(position: Position | undefined): number {
  return position?.seqno ?? -1;
}

function grastate(node: MariaDb): string {
  return join(node.datadir, "grastate.dat");
}
