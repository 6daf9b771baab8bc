import {
  destroyAccount,
  destroyObject,
  endSession,
  type ObjectCollection,
} from "../../../client/rest/changes.ts";
import { SINGULAR } from "../../../client/rest/collections.ts";
import { duration } from "../../../config/values/duration.ts";
import { option, toggle } from "../../command.ts";
import { type Action, action, type FleetCommand, one, some } from "../action.ts";

const FORCE = { force: toggle("unlink it first from what uses it, and end its connections") } as const;

/** maxctrl writes the service first; the listener's own name is enough. */
const LISTENER = action(
  {
    words: "destroy listener",
    summary: "Destroy a listener",
    details: ["`destroy listener SERVICE LISTENER`, as maxctrl has it, is possible too."],
    operands: [some("LISTENER", "listeners")],
    options: FORCE,
    examples: [["sluice destroy listener rw-listener", "its sessions go on"]],
  },
  async ({ values, operands }, { daemons, output }) => {
    const name = operands.at(-1) ?? "";
    output.done(
      await daemons.everywhere((daemon) => destroyObject(daemon, "listeners", name, values.force ?? false)),
    );
  },
);

const SESSION = action(
  {
    words: "destroy session",
    summary: "End a client session",
    operands: [one("SESSION", "sessions")],
    options: {
      ttl: option(
        "duration",
        duration({ bare: "s", maxMs: 86_400_000 }),
        "how long it may take to end by itself (default: 0)",
      ),
    },
    examples: [["sluice destroy session 17 --ttl 30s", "it may finish its transaction"]],
  },
  async ({ values, operands: [id = ""] }, { daemons, output }) => {
    const ttlSeconds = Math.ceil((values.ttl ?? 0) / 1000);
    output.done(await daemons.everywhere((daemon) => endSession(daemon, id, ttlSeconds)));
  },
);

const USER = action(
  {
    words: "destroy user",
    summary: "Destroy an account of the REST API; the last administrator stays",
    operands: [one("NAME", "users")],
    options: {},
    examples: [["sluice destroy user bob", "his tokens end with it"]],
  },
  async ({ operands: [name = ""] }, { daemons, output }) => {
    output.done(await daemons.everywhere((daemon) => destroyAccount(daemon, name)));
  },
);

export const command: FleetCommand = {
  name: "destroy",
  summary: "Destroy a server, a monitor, a service … or end a session",
  actions: [
    destroyAction("servers"),
    destroyAction("monitors"),
    destroyAction("services"),
    LISTENER,
    destroyAction("publishers"),
    USER,
    SESSION,
  ],
};

function destroyAction(collection: ObjectCollection): Action {
  const word = SINGULAR[collection];
  return action(
    {
      words: `destroy ${word}`,
      summary: `Destroy a ${word} that nothing is linked to`,
      operands: [one(word.toUpperCase(), collection)],
      options: FORCE,
      examples: [[`sluice destroy ${word} NAME --force`, "also where it is linked to something"]],
    },
    async ({ values, operands: [name = ""] }, { daemons, output }) => {
      output.done(
        await daemons.everywhere((daemon) => destroyObject(daemon, collection, name, values.force ?? false)),
      );
    },
  );
}
