import { connect } from "node:net";
import { runtimePaths } from "../../system/runtime-paths.ts";
import type { Command, CommandSpec } from "../command.ts";

const spec: CommandSpec = {
  name: "hint",
  summary: "Tell the agent that something may have changed, so that it probes at once",
  details: [
    "For wsrep_notify_cmd. The server waits for its notify command, so this one hands the hint over and is gone: it waits for nothing longer than 10 ms, prints nothing and always exits 0, whether an agent runs or not.",
    "The arguments that the server appends are not looked at: the agent finds out by itself what has changed. Only --runtime-dir DIR is, where it comes first.",
  ],
  operands: "[anything]",
  maxOperands: Number.POSITIVE_INFINITY,
  options: {},
  examples: [["wsrep_notify_cmd = /usr/bin/sluice hint", "in the server's my.cnf, under [mysqld]"]],
  exitCodes: [[0, "always"]],
};

// Connecting and writing take microseconds where an agent runs. Where it hangs, nobody may hang with it.
const GIVE_UP_MS = 10;

export const command: Command = {
  spec,
  async run(args) {
    const directory = args[0] === "--runtime-dir" ? args[1] : undefined;
    await deliver(runtimePaths(directory, process.env).agentSocket);
    return 0;
  },
};

/** Resolves when the hint is in the agent's socket, when it cannot be, or when time is up. */
function deliver(path: string): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => resolve();
    setTimeout(done, GIVE_UP_MS);
    connect({ path }).on("error", done).end("POST /hint HTTP/1.0\r\nContent-Length: 0\r\n\r\n", done);
  });
}
