import { fetchFleetStatus } from "../../../client/rest/fleet-status.ts";
import { pause } from "../../../client/rest/pause.ts";
import { duration } from "../../../config/values/duration.ts";
import { SluiceError } from "../../../errors/sluice-error.ts";
import { option, toggle } from "../../command.ts";
import { action, type FleetCommand } from "../action.ts";
import type { Fleet } from "../fleet.ts";
import { LiveScreen } from "../live-screen.ts";
import { printable } from "../printable.ts";
import { statusDocument } from "../status-document.ts";
import { statusScreen } from "../status-screen.ts";
import { untilInterrupted } from "../until-interrupted.ts";

const LAST_EVENTS = 5;
const DEFAULT_INTERVAL_MS = 1000;

const STATUS = action(
  {
    words: "status",
    summary: "Show the whole fleet on one screen",
    details: [
      "With --watch the screen is drawn anew in place until Ctrl-C, and the terminal is left as it was.",
    ],
    operands: [],
    options: {
      watch: toggle("draw it anew, in place"),
      interval: option(
        "duration",
        duration({ bare: "s", minMs: 100, maxMs: 3_600_000 }),
        "with --watch: time between two looks (default: 1s)",
      ),
    },
    examples: [
      ["sluice status", "once"],
      ["sluice status --watch --hosts a:8989,b:8989", "of the first of two daemons that answers"],
      ["sluice status --json | jq '.servers[] | select(.up | not)'", "servers that may not take traffic"],
    ],
  },
  async ({ values }, fleet) => {
    if (values.watch) return await watch(fleet, values.interval ?? DEFAULT_INTERVAL_MS);
    const { document, lines } = await look(fleet);
    fleet.output.document(document, () => `${lines.join("\n")}\n`);
  },
);

export const command: FleetCommand = {
  name: "status",
  summary: STATUS.summary,
  actions: [STATUS],
};

async function look({ daemons, output }: Fleet) {
  const { daemon, value } = await daemons.first((one) => fetchFleetStatus(one, LAST_EVENTS));
  const document = statusDocument(value);
  return { document, lines: statusScreen(document, daemon, output.style.colour) };
}

async function watch(fleet: Fleet, intervalMs: number): Promise<void> {
  const { terminal, clock } = fleet;
  if (terminal === undefined || fleet.output.mode !== "table") {
    throw new SluiceError(
      "USAGE",
      "--watch draws on a terminal: for a program, call `sluice status --json` again",
    );
  }
  const screen = new LiveScreen(terminal);
  let lines = (await look(fleet)).lines; // a daemon that is not there is told like everywhere else
  // Ctrl-Z: the shell gets its screen back; the next drawing takes it again.
  const suspend = (): void => {
    screen.close();
    process.kill(process.pid, "SIGSTOP");
  };
  process.on("SIGTSTP", suspend);
  try {
    await untilInterrupted(async (signal) => {
      while (!signal.aborted) {
        screen.draw(lines);
        await pause(clock, intervalMs, signal);
        if (!signal.aborted) lines = await lookAgain(fleet, lines);
      }
    });
  } finally {
    process.off("SIGTSTP", suspend);
    screen.close();
  }
}

/** While no daemon answers, what was seen last stays, with a line that says so. */
async function lookAgain(fleet: Fleet, last: readonly string[]): Promise<readonly string[]> {
  try {
    return (await look(fleet)).lines;
  } catch (error) {
    if (!(error instanceof SluiceError)) throw error;
    const body = last[0]?.startsWith(LOST) ? last.slice(2) : last;
    return [`${LOST}: ${printable(error.message)}`, "", ...body];
  }
}

const LOST = "NO ANSWER, what follows is old";
