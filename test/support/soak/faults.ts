import type { Balancer } from "../../lab/balancer.ts";
import type { Galera } from "../../lab/galera.ts";
import type { MariaDb } from "../../lab/maria-db.ts";

/** What faults happen to. */
export interface SoakStage {
  readonly galera: Galera;
  readonly balancer: Balancer;
  readonly service: string;
}

/** Something that goes wrong with a node, or with the proxy itself. */
export interface Fault {
  readonly name: string;
  /** Nobody notices: sessions go on until they end by themselves. */
  readonly isGentle?: boolean;
  begin(stage: SoakStage, node: MariaDb): Promise<void>;
  /** Makes good for it. What follows by itself, such as a node that joins again, is waited for elsewhere. */
  end(stage: SoakStage, node: MariaDb): Promise<void>;
}

const SLOWNESS = { delayMs: 30, lossPercent: 2 };

export const FAULTS: readonly Fault[] = [
  {
    // So that what is seen during the others is known to be theirs.
    name: "nothing at all",
    isGentle: true,
    begin: async () => {},
    end: async () => {},
  },
  {
    name: "node killed",
    begin: async (_, node) => await node.kill(),
    end: async ({ galera }, node) => await galera.rejoin(node),
  },
  {
    name: "node hung",
    begin: async (_, node) => await node.hang(),
    end: async (_, node) => await node.resume(),
  },
  {
    name: "node cut off",
    begin: async (_, node) => await node.host.cut(),
    end: async (_, node) => await node.host.restore(),
  },
  {
    name: "node slow",
    begin: async (_, node) => await node.host.slow(SLOWNESS),
    end: async (_, node) => await node.host.restore(),
  },
  {
    name: "node drained",
    isGentle: true,
    begin: async ({ balancer }, node) => await balancer.maintenance(node, "drain"),
    end: async ({ balancer }, node) => await balancer.maintenance(node, "off"),
  },
  {
    name: "node in maintenance",
    begin: async ({ balancer }, node) => await balancer.maintenance(node, "on"),
    end: async ({ balancer }, node) => await balancer.maintenance(node, "off"),
  },
  {
    name: "worker killed",
    begin: async ({ balancer }) => killOne(balancer, "SIGKILL"),
    end: async ({ balancer }) => await balancer.untilWorking(),
  },
  {
    // Nearly nobody notices: what a worker left behind has not accepted yet when it closes its socket is reset.
    name: "control process killed",
    begin: async ({ balancer }) => await balancer.kill(),
    end: async ({ balancer }) => {
      await balancer.start();
      await balancer.untilAlone();
    },
  },
];

function killOne(balancer: Balancer, signal: NodeJS.Signals): void {
  const [pid] = balancer.workers;
  if (pid !== undefined) process.kill(pid, signal);
}
