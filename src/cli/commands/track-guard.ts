import { SluiceError } from "../../errors/sluice-error.ts";
import { guardTrackFile } from "../../publish/track-file/track-guard.ts";
import { becomeFrugal } from "../../system/frugal-runtime.ts";
import { SYSTEM_CLOCK } from "../../telemetry/clock.ts";
import type { Command, CommandSpec } from "../command.ts";
import { printError } from "../output.ts";
import { formOf, parseArguments } from "../parse-arguments.ts";

const spec: CommandSpec = {
  name: "track-guard",
  summary: "Internal: keeps a track file, and makes it fail when the daemon that started it is gone",
  details: [
    "Started by the publisher track-file, which sends it a value and how long it holds, a line each.",
  ],
  operands: "FILE VALUE",
  maxOperands: 2,
  options: {},
  examples: [],
  exitCodes: [[0, "its input has ended, and the file says VALUE"]],
};

export const command: Command = {
  spec,
  async run(args) {
    const { operands } = parseArguments(
      spec,
      args[1] === undefined ? args : [...args.slice(0, 1), "--", ...args.slice(1)],
    );
    const [file, value = ""] = operands;
    if (file === undefined || !/^-?\d+$/.test(value))
      throw new SluiceError("USAGE", `the form is: ${formOf(spec)}`);
    await becomeFrugal("agent", process.env);
    // The end of its input is what ends it: by then the daemon is gone, whoever was sent a signal first.
    for (const signal of ["SIGINT", "SIGTERM", "SIGHUP", "SIGPIPE"] as const) process.on(signal, () => {});
    const options = { file, failingValue: Number(value) };
    await guardTrackFile(options, process.stdin, SYSTEM_CLOCK, (sentence) => printError(`${sentence}\n`));
    return 0;
  },
};
