import { setServerState } from "../../../client/rest/changes.ts";
import { toggle } from "../../command.ts";
import { type Action, action, type FleetCommand, one } from "../action.ts";

const STATES = ["maintenance", "drain"];

const FORCE = { force: toggle("even if it is the primary") } as const;

export const command: FleetCommand = {
  name: "set",
  summary: "Take a server out by hand: maintenance or drain",
  actions: [
    stateAction("set", "Take a server out: maintenance ends its use at once, drain takes no new sessions", [
      ["sluice set server db1 drain", "before an upgrade; `sluice list servers` says when it is drained"],
      ["sluice set server db1 maintenance --force", "also where it is the primary"],
    ]),
  ],
};

export const clearCommand: FleetCommand = {
  name: "clear",
  summary: "Put a server back that was set to maintenance or drain",
  actions: [
    stateAction("clear", "Put a server back: what its monitor finds counts again", [
      ["sluice clear server db1 drain", "after it"],
    ]),
  ],
};

function stateAction(verb: "set" | "clear", summary: string, examples: Action["examples"]): Action {
  return action(
    {
      words: `${verb} server`,
      summary,
      details: [
        "The state is kept, also when the daemon is restarted, and wins over everything a monitor finds.",
      ],
      operands: [one("SERVER", "servers"), one("STATE", STATES)],
      options: FORCE,
      examples,
    },
    async ({ values, operands: [server = "", state = ""] }, { daemons, output }) => {
      output.done(
        await daemons.everywhere((daemon) =>
          setServerState(daemon, server, verb, state, values.force ?? false),
        ),
      );
    },
  );
}
