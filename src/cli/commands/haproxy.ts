import { duration } from "../../config/values/duration.ts";
import { text } from "../../config/values/text.ts";
import { SluiceError } from "../../errors/sluice-error.ts";
import { reloadHaproxy } from "../../render/reload/reload-haproxy.ts";
import { type Command, type CommandSpec, option } from "../command.ts";
import { print } from "../output.ts";
import { formOf, parseArguments } from "../parse-arguments.ts";

const DEFAULT_TIMEOUT_MS = 10_000;
const file = text("a file");

const options = {
  config: option("file", file, "the new configuration; not the file in use"),
  into: option(
    "file",
    file,
    "the file that it replaces (default: the only one that HAProxy was started with)",
  ),
  "pid-file": option("file", file, "pid file of the HAProxy that is meant, where several run"),
  timeout: option(
    "duration",
    duration({ bare: "s", minMs: 500, maxMs: 600_000 }),
    "for each step: check, start, listen (default: 10s)",
  ),
} as const;

const spec: CommandSpec<typeof options> = {
  name: "haproxy",
  summary: "Put a new configuration of HAProxy into service without losing a connection",
  details: [
    "Checks the new file with HAProxy itself, puts it in the place of the present one as a whole, and has a new process take over the listening sockets: by SIGUSR2 to the master of `haproxy -W`; else over a runtime socket with expose-fd listeners; else beside the old process on the same ports, where a connection that comes in that very moment may be reset (net.ipv4.tcp_migrate_req=1 prevents it). Which of them is found out from the process that runs.",
    "Then it sees whether the new process listens, takes connections and answers on its runtime socket. If not, the old file is put back and the old configuration serves on.",
  ],
  operands: "reload",
  maxOperands: 1,
  options,
  examples: [
    [
      "sluice haproxy reload --config /etc/haproxy/haproxy.new",
      "what `sluice render haproxy --write` has made",
    ],
  ],
  exitCodes: [
    [0, "the new configuration is in service"],
    [1, "it is not, and the old one is in service as before"],
    [2, "the command line is wrong"],
    [3, "no HAProxy runs here"],
  ],
};

export const command: Command = {
  spec,
  async run(args) {
    const { values, operands } = parseArguments(spec, args);
    const { config, into } = values;
    if (operands[0] !== "reload" || config === undefined) {
      throw new SluiceError("USAGE", `the form is: ${formOf(spec)} --config FILE`);
    }
    const timeoutMs = values.timeout ?? DEFAULT_TIMEOUT_MS;
    const report = await reloadHaproxy({ config, into, pidFile: values["pid-file"], timeoutMs });
    const pids = (numbers: readonly number[]): string => numbers.join(", ") || "none";
    print(
      `${report.file} is in service (${report.method}): process ${pids(report.serving)} has taken over from ${pids(report.before)}; the former text is ${report.backup}\n`,
    );
    return 0;
  },
};
