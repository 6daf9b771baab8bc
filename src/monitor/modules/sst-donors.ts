import type { ServerState } from "../../topology/state.ts";
import { compareFitness, type PrimaryChoiceOptions } from "./galera-cluster.ts";
import type { ServerInput } from "./monitor-module.ts";

/**
 * The value of wsrep_sst_donor for set_donor_nodes: the names of the synced replicas, those least likely to be the
 * primary next first, so that a state transfer keeps no writer busy. The comma at the end lets Galera take any other
 * node where none of these can serve; without it, the joining node would wait for ever. Empty: nobody to name.
 */
export function sstDonorList(
  inputs: readonly ServerInput[],
  servers: ReadonlyMap<string, ServerState>,
  options: PrimaryChoiceOptions,
): string {
  const replicas = inputs.flatMap((input) => {
    const state = servers.get(input.name);
    if (state?.role !== "replica" || state.galera !== "synced" || state.admin !== "none") return [];
    const galera = input.observation?.reached === true ? input.observation.facts.galera : undefined;
    if (galera?.nodeName === undefined) return [];
    return [{ priority: input.priority, localIndex: galera.localIndex, nodeName: galera.nodeName }];
  });
  return replicas
    .toSorted((a, b) => compareFitness(b, a, options))
    .map(({ nodeName }) => `${nodeName},`)
    .join("");
}
