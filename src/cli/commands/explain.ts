import { duration } from "../../config/values/duration.ts";
import { text } from "../../config/values/text.ts";
import { runtimePaths } from "../../system/runtime-paths.ts";
import { explanation } from "../../verdict/explanation.ts";
import { askVerdict } from "../ask-verdict.ts";
import { type Command, type CommandSpec, option, toggle } from "../command.ts";
import { CONNECTION_OPTIONS, connectionFlags, namesServer } from "../connection-options.ts";
import { firstOperand } from "../fleet/first-operand.ts";
import { FLEET_OPTIONS } from "../fleet/fleet-options.ts";
import { print } from "../output.ts";
import { parseArguments } from "../parse-arguments.ts";
import {
  DISABLE_FILES_OPTION,
  disableFiles,
  hasPolicy,
  POLICY_OPTIONS,
  policyOf,
} from "../policy-options.ts";
import { rejudge } from "../rejudge.ts";

const DEFAULT_TIMEOUT_MS = 3000;

const options = {
  timeout: option(
    "duration",
    duration({ bare: "s", minMs: 50, maxMs: 60_000 }),
    "for everything together (default: 3s)",
  ),
  server: option("name", text("a name"), "the server of this name in the agent"),
  "no-agent": toggle("ask the server itself, also where an agent runs"),
  "runtime-dir": option("dir", text("a directory"), "directory of the agent's socket"),
  ...CONNECTION_OPTIONS,
  ...POLICY_OPTIONS,
  "disable-files": DISABLE_FILES_OPTION,
} as const;

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
    const connection = connectionFlags(values);
    const deadlineMs = values.timeout ?? DEFAULT_TIMEOUT_MS;
    const policy = policyOf(values, deadlineMs);
    const { snapshot, source } = await askVerdict({
      agentSocket: values["no-agent"]
        ? undefined
        : runtimePaths(values["runtime-dir"], process.env).agentSocket,
      server: values.server,
      mustMatch: namesServer(connection),
      connection,
      env: process.env,
      policy,
      ...(hasPolicy(values) && { rejudge: (seen) => rejudge(seen, policy) }),
      offSwitchFiles: disableFiles(values["disable-files"]),
      deadlineMs,
    });
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
