import { setRunning } from "../../../client/rest/changes.ts";
import { fetchCollection, SINGULAR } from "../../../client/rest/collections.ts";
import type { Daemon } from "../../../client/rest/daemon.ts";
import { toggle } from "../../command.ts";
import { type Action, action, type FleetCommand, one } from "../action.ts";

type Runnable = "monitors" | "services" | "listeners";
type Verb = "start" | "stop" | "restart";

const RUNNABLE: readonly Runnable[] = ["monitors", "services", "listeners"];
const FORCE = { force: toggle("end its sessions too, where there are any") } as const;

const MEANINGS: Readonly<Record<Runnable, Readonly<Record<Verb, string>>>> = {
  monitors: {
    start: "Start a monitor: its servers are watched again",
    stop: "Stop a monitor: its servers keep the states they have",
    restart: "Stop a monitor and start it again",
  },
  services: {
    start: "Start a service",
    stop: "Stop a service: it takes no new sessions",
    restart: "Stop a service and start it again",
  },
  listeners: {
    start: "Start a listener",
    stop: "Stop a listener: it takes no new sessions",
    restart: "Stop a listener and start it again",
  },
};

export const startCommand: FleetCommand = verbCommand("start", "Start a monitor, a service or a listener");
export const stopCommand: FleetCommand = verbCommand("stop", "Stop a monitor, a service or a listener");
export const restartCommand: FleetCommand = verbCommand(
  "restart",
  "Stop and start a monitor, a service or a listener",
);

function verbCommand(verb: Verb, summary: string): FleetCommand {
  const actions = RUNNABLE.map((collection) => objectAction(verb, collection));
  return { name: verb, summary, actions: verb === "restart" ? actions : [...actions, allAction(verb)] };
}

function objectAction(verb: Verb, collection: Runnable): Action {
  const word = SINGULAR[collection];
  return action(
    {
      words: `${verb} ${word}`,
      summary: MEANINGS[collection][verb],
      operands: [one(word.toUpperCase(), collection)],
      options: verb === "start" || collection === "monitors" ? {} : FORCE,
      examples: [[`sluice ${verb} ${word} NAME`, "its configuration stays as it is"]],
    },
    async ({ values, operands: [name = ""] }, { daemons, output }) => {
      const force = (values as { readonly force?: boolean }).force ?? false;
      output.done(await daemons.everywhere((daemon) => perform(daemon, verb, collection, name, force)));
    },
  );
}

async function perform(
  daemon: Daemon,
  verb: Verb,
  collection: Runnable,
  name: string,
  force: boolean,
): Promise<void> {
  if (verb !== "start") await setRunning(daemon, collection, name, "stop", force);
  if (verb !== "stop") await setRunning(daemon, collection, name, "start", false);
}

/** maxctrl's `start maxscale`: every service. */
function allAction(verb: "start" | "stop"): Action {
  return action(
    {
      words: `${verb} maxscale`,
      summary: `${verb === "start" ? "Start" : "Stop"} all services of the daemon`,
      operands: [],
      options: verb === "start" ? {} : FORCE,
      examples: [[`sluice ${verb} maxscale`, "the daemon itself goes on, and watches"]],
    },
    async ({ values }, { daemons, output }) => {
      const force = (values as { readonly force?: boolean }).force ?? false;
      const all = async (daemon: Daemon): Promise<void> => {
        for (const { id } of await fetchCollection(daemon, "services")) {
          await setRunning(daemon, "services", id, verb, force);
        }
      };
      output.done(await daemons.everywhere(all));
    },
  );
}
