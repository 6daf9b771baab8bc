import { duration } from "../../config/values/duration.ts";
import { text } from "../../config/values/text.ts";
import { runtimePaths } from "../../system/runtime-paths.ts";
import { explanation } from "../../verdict/explanation.ts";
import { askVerdict } from "../ask-verdict.ts";
import { type Command, type CommandSpec, option, toggle } from "../command.ts";
import { CONNECTION_OPTIONS, connectionFlags, namesServer } from "../connection-options.ts";
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
  ],
  operands: "",
  maxOperands: 0,
  options,
  examples: [
    ["sluice explain", "the local server"],
    ["sluice explain --server db2", "one of several servers that the agent watches"],
    ["sluice explain --available-when-donor always", "what if donors might serve?"],
  ],
  exitCodes: [
    [0, "the server may take traffic"],
    [1, "it may not"],
    [2, "the command line or an option file is wrong"],
    [3, "--server was given, and no agent answers"],
  ],
};

export const command: Command = {
  spec,
  async run(args) {
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
