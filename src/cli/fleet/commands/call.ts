import { callCommand } from "../../../client/rest/changes.ts";
import { type Action, action, any, type FleetCommand, one } from "../action.ts";
import type { FleetOptions } from "../fleet-options.ts";

/** A switchover may take its 90 s; who gives no --timeout waits for it. */
const PATIENCE_MS = 300_000;

const CALL: Action = action(
  {
    words: "call command",
    summary: "Call a command of a module, such as a switchover",
    details: ["`sluice list commands` shows the commands and what they take."],
    operands: [one("MODULE", "modules"), one("COMMAND"), any("ARGUMENT")],
    options: {},
    examples: [
      ["sluice call command mariadbmon switchover cluster db2 db1", "db2 becomes primary instead of db1"],
    ],
  },
  async ({ values, operands: [module = "", name = "", ...args] }, { daemons, output }) => {
    const isPatient = (values as FleetOptions).timeout === undefined;
    const outcomes = await daemons.everywhere((daemon) =>
      callCommand(isPatient ? daemon.within(PATIENCE_MS) : daemon, module, name, args),
    );
    const answers = outcomes.map(({ value }) => value);
    const answered = answers.filter((answer) => answer !== undefined);
    if (answered.length === 0) return output.done(outcomes);
    const document = answers.length === 1 ? answers[0] : outcomes;
    output.document(document, () => `${JSON.stringify(document, null, 4)}\n`);
  },
);

export const command: FleetCommand = {
  name: "call",
  summary: "Call a command of a module, such as a switchover",
  actions: [CALL],
};
