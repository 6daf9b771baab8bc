import { askAgentJson } from "../../client/agent-client.ts";
import { fetchServers } from "../../client/server-status.ts";
import { duration } from "../../config/values/duration.ts";
import { text } from "../../config/values/text.ts";
import { SluiceError } from "../../errors/sluice-error.ts";
import { runtimePaths } from "../../system/runtime-paths.ts";
import { type Command, type CommandSpec, option } from "../command.ts";
import { print } from "../output.ts";
import { formOf, parseArguments, quote } from "../parse-arguments.ts";

const DEFAULT_TIMEOUT_MS = 2000;

const options = {
  server: option("name", text("a name"), "which server, where the agent watches several"),
  timeout: option(
    "duration",
    duration({ bare: "s", minMs: 50, maxMs: 60_000 }),
    "for the agent to answer (default: 2s)",
  ),
  "runtime-dir": option("dir", text("a directory"), "directory of the agent's sockets"),
} as const;

const spec: CommandSpec<typeof options> = {
  name: "maintenance",
  summary: "Take a server out by hand, or put it back",
  details: [
    "on: the server is down for every balancer at once. drain: it takes no new sessions, and those it has may end by themselves. off: what its probes find counts again.",
    "The state is kept by the agent, also when it is restarted. Only root and the group of control.sock may set it.",
  ],
  operands: "on|off|drain",
  maxOperands: 1,
  options,
  examples: [
    ["sluice maintenance drain", "before an upgrade"],
    ["sluice maintenance off --server db2", "after it"],
  ],
  exitCodes: [
    [0, "done"],
    [2, "the command line is wrong, or the agent knows no such server"],
    [3, "no agent answers"],
    [4, "this user may not"],
  ],
};

const STATES = ["on", "off", "drain"];

export const command: Command = {
  spec,
  async run(args) {
    const { values, operands } = parseArguments(spec, args);
    const [state] = operands;
    if (state === undefined || !STATES.includes(state)) {
      const found =
        state === undefined ? "what is wanted is missing" : `${quote(state)} is none of on, off and drain`;
      throw new SluiceError("USAGE", `${found}; the form is: ${formOf(spec)}`);
    }
    const { controlSocket } = runtimePaths(values["runtime-dir"], process.env);
    const deadlineMs = values.timeout ?? DEFAULT_TIMEOUT_MS;
    const body = { state, server: values.server };
    const done = await askAgentJson(
      controlSocket,
      { method: "POST", target: "/maintenance", body },
      deadlineMs,
    );
    const { server } = done as { readonly server: string };
    const [snapshot] = await fetchServers(controlSocket, server, deadlineMs);
    if (snapshot === undefined) throw new SluiceError("INTERNAL", `the agent does not tell of ${server}`);
    const { up, draining, sentence } = snapshot.verdict;
    print(`${server} is ${up ? "up" : draining ? "draining" : "down"}: ${sentence}\n`);
    return 0;
  },
};
