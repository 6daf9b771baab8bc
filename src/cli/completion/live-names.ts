import { fetchCollection } from "../../client/rest/collections.ts";
import { openFleet, type Surroundings } from "../fleet/fleet.ts";
import { FLEET_OPTIONS, type FleetOptions, SHORT_OPTIONS } from "../fleet/fleet-options.ts";
import { parseArguments } from "../parse-arguments.ts";
import type { NameSource } from "./complete-action.ts";

/** A person waits for the shell: what a daemon does not say by then is not offered. */
const DEADLINE_MS = 200;

/** Asks the daemon that the words on the line lead to. It never asks a person anything, and never fails. */
export function liveNames(typed: readonly string[], surroundings: Surroundings): NameSource {
  return async (collection) => {
    try {
      const options = { ...connectionIn(typed), timeout: DEADLINE_MS };
      const nobody = { ...surroundings, ask: async () => undefined };
      const { daemons } = openFleet(options, nobody);
      const { value } = await daemons.first((daemon) => fetchCollection(daemon, collection));
      return value.map(({ id }) => id);
    } catch {
      return []; // no daemon, no account, a word half typed: there is nothing to offer
    }
  };
}

/** Those options of the line that say which daemon, and who asks. */
function connectionIn(typed: readonly string[]): FleetOptions {
  const args: string[] = [];
  for (const [index, word] of typed.entries()) {
    const [flag = "", value] = word.split("=", 2);
    const name = SHORT_OPTIONS[flag.slice(1)] ?? flag.slice(2);
    const option = Object.entries(FLEET_OPTIONS).find(([known]) => known === name)?.[1];
    if (!word.startsWith("-") || option === undefined) continue;
    if (option.type === undefined) args.push(`--${name}`);
    else args.push(`--${name}=${value ?? typed[index + 1] ?? ""}`);
  }
  const spec = {
    name: "",
    summary: "",
    operands: "",
    maxOperands: 0,
    options: FLEET_OPTIONS,
    examples: [],
    exitCodes: [],
  };
  return parseArguments(spec, args).values;
}
