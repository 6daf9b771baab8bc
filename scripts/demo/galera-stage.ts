import { type Galera, startGalera } from "../../test/lab/galera.ts";
import { Lab } from "../../test/lab/lab.ts";
import type { MariaDb } from "../../test/lab/maria-db.ts";
import { type Act, commonActs, type Stage, type Status, type Watched } from "./stage.ts";

const SLUICE = new URL("../../dist/sluice", import.meta.url).pathname;

/** Three Galera nodes on three hosts, an agent on each of them, as in production. */
export async function galeraStage(): Promise<Stage> {
  const lab = await Lab.create({ name: "demo" });
  try {
    const cluster = await startGalera(lab);
    const watched = await Promise.all(cluster.nodes.map((node) => startAgent(node)));
    return {
      description: `a Galera cluster of three nodes on ${cluster.nodes.map((node) => node.address).join(", ")}, each with its own agent`,
      watched,
      acts: galeraActs(cluster, watched),
      suggestions: suggestions(cluster, watched),
      close: () => lab.destroy(),
    };
  } catch (error) {
    await lab.destroy();
    throw error;
  }
}

async function startAgent(node: MariaDb): Promise<Watched> {
  const { host } = node;
  await host.spawn([
    SLUICE,
    "agent",
    "--name",
    host.name,
    "--socket",
    node.socketPath,
    "--user",
    "root",
    "--agent-port",
    "9201",
  ]);
  const status = async (): Promise<Status> => JSON.parse((await host.http("/status", { port: 9200 })).body);
  return { name: host.name, healthUrl: `http://${host.address}:9200/`, status };
}

function galeraActs(cluster: Galera, watched: readonly Watched[]): readonly Act[] {
  return cluster.nodes.flatMap((node, i) => {
    const on = watched[i];
    // The first node stays alone, so that the cluster always has a majority.
    if (on === undefined || i === 0) return [];
    const common = commonActs(on, node, "GALERA_SYNCED", "GALERA_READ_ONLY", () => cluster.rejoin(node));
    if (i > 1) return common;
    return [
      { title: "desyncs, as for a backup", on, expected: ["GALERA_DONOR"], run: () => cluster.desync(node) },
      { title: "is in sync again", on, expected: ["GALERA_SYNCED"], run: () => cluster.desync(node, false) },
      ...common.slice(0, 4),
    ];
  });
}

function suggestions(cluster: Galera, watched: readonly Watched[]): readonly string[] {
  const [first] = watched;
  const [node] = cluster.nodes;
  if (first === undefined || node === undefined) return [];
  return [
    `curl -i ${first.healthUrl}                   # 200 or 503, for HAProxy's option httpchk`,
    `curl -s ${first.healthUrl}status             # the whole verdict; also /primary /synced /donor /metrics`,
    `nc ${node.address} 9201                        # the line for HAProxy's agent-check`,
    `mariadb -uroot -S ${node.socketPath} -e "SET GLOBAL wsrep_desync=ON"    # and watch the table`,
  ];
}
