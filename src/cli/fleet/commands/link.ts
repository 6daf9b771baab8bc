import { changeLinks, linkServer } from "../../../client/rest/changes.ts";
import { SINGULAR } from "../../../client/rest/collections.ts";
import { type Action, action, type FleetCommand, one, some } from "../action.ts";

/** maxadmin's `add server` and `remove server`: several targets, of either type, in one change. */
function serverAction(verb: "link" | "unlink"): Action {
  const isAdding = verb === "link";
  return action(
    {
      words: `${verb} server`,
      summary: isAdding
        ? "Link a server to monitors and services"
        : "Unlink a server from monitors and services",
      operands: [one("SERVER", "servers"), some("MONITOR|SERVICE")],
      options: {},
      examples: [[`sluice ${verb} server db1 cluster rw`, "all at once, or nothing"]],
    },
    async ({ operands: [server = "", ...targets] }, { daemons, output }) => {
      output.done(await daemons.everywhere((daemon) => linkServer(daemon, server, targets, isAdding)));
    },
  );
}

function targetAction(verb: "link" | "unlink", collection: "monitors" | "services"): Action {
  const word = SINGULAR[collection];
  const isAdding = verb === "link";
  return action(
    {
      words: `${verb} ${word}`,
      summary: isAdding ? `Link servers to a ${word}` : `Unlink servers from a ${word}`,
      operands: [one(word.toUpperCase(), collection), some("SERVER", "servers")],
      options: {},
      examples: [[`sluice ${verb} ${word} NAME db1 db2`, "both at once"]],
    },
    async ({ operands: [name = "", ...servers] }, { daemons, output }) => {
      output.done(
        await daemons.everywhere((daemon) => changeLinks(daemon, collection, name, servers, isAdding)),
      );
    },
  );
}

export const command: FleetCommand = {
  name: "link",
  summary: "Link servers to a monitor or a service",
  actions: [targetAction("link", "services"), targetAction("link", "monitors"), serverAction("link")],
};

export const unlinkCommand: FleetCommand = {
  name: "unlink",
  summary: "Unlink servers from a monitor or a service",
  actions: [targetAction("unlink", "services"), targetAction("unlink", "monitors"), serverAction("unlink")],
};
