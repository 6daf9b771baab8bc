import { explanation } from "../../verdict/explanation.ts";
import { askAsGiven, askOptions } from "../ask-options.ts";
import type { Command, CommandSpec } from "../command.ts";
import { firstOperand } from "../fleet/first-operand.ts";
import { FLEET_OPTIONS } from "../fleet/fleet-options.ts";
import { print } from "../output.ts";
import { parseArguments } from "../parse-arguments.ts";

const DEFAULT_TIMEOUT_MS = 3000;

const options = askOptions("3s");

const spec: CommandSpec<typeof options> = {
  name: "explain",
  summary: "Show why a server is up or down: what was seen, and each rule in order",
  details: [
    "Shows the verdict of the agent on this host, or judges the server itself where no agent answers. With options of the policy it shows what they would make of the same server.",
    "`sluice explain SERVER` asks `sluice run` instead, over its REST API and about any server that it watches; it then takes the options of `sluice show`: --hosts, --user, --json …",
  ],
  operands: "[SERVER]",
  maxOperands: 1,
  options,
  examples: [
    ["sluice explain", "the local server"],
    ["sluice explain --server db2", "one of several servers that the agent watches"],
    ["sluice explain db2 --hosts lb1:8989", "as the daemon on lb1 judges it, and what happened lately"],
    ["sluice explain --available-when-donor always", "what if donors might serve?"],
  ],
  exitCodes: [
    [0, "the server may take traffic"],
    [1, "it may not"],
    [2, "the command line or an option file is wrong"],
    [3, "--server was given and no agent answers, or SERVER and no daemon"],
  ],
};

export const command: Command = {
  spec,
  async run(args) {
    if (asksDaemon(args)) return await (await import("../fleet/process.ts")).runFleet("explain", args);
    const { values } = parseArguments(spec, args);
    const { snapshot, source } = await askAsGiven(values, DEFAULT_TIMEOUT_MS);
    print(explanation(snapshot, Date.now()));
    print(
      source === "agent"
        ? "\nAs the agent has it.\n"
        : "\nAsked of the server itself: no agent that watches it answers.\n",
    );
    return snapshot.verdict.up ? 0 : 1;
  },
};

/** With a server as operand, or --hosts, it is about the fleet of a daemon. */
function asksDaemon(args: readonly string[]): boolean {
  const known = { ...FLEET_OPTIONS, ...options };
  return firstOperand(args, known) !== undefined || args.some((arg) => /^(--hosts|-h)(=|$)/.test(arg));
}
