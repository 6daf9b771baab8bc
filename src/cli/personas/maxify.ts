import { setTimeout as wait } from "node:timers/promises";
import { passiveFlag } from "../../client/rest/passive.ts";
import { duration } from "../../config/values/duration.ts";
import { text } from "../../config/values/text.ts";
import { SluiceError } from "../../errors/sluice-error.ts";
import { AcknowledgedFlag } from "../../publish/notify/acknowledged-flag.ts";
import { FifoReader } from "../../publish/notify/fifo-reader.ts";
import { isPassive, parseVrrpNotice } from "../../publish/notify/vrrp-state.ts";
import { SYSTEM_CLOCK } from "../../telemetry/clock.ts";
import type { Log } from "../../telemetry/log.ts";
import { type Command, type CommandSpec, type OptionValues, option } from "../command.ts";
import { printError } from "../output.ts";
import { formOf, parseArguments, quote } from "../parse-arguments.ts";
import { MaxifyTurn } from "./maxify-turn.ts";
import { openRest, REST_OPTIONS } from "./rest-options.ts";

const REQUEST_MS = 2000;
const RETRY_MS = 1000;
const GIVE_UP_MS = 3_600_000;
/** How long the last message may take when keepalived ends. */
const FAREWELL_MS = 3000;
const PARENT_LOOK_MS = 100;
/** After SIGTERM. */
const LAST_LOOKS = 15;

const options = {
  ...REST_OPTIONS,
  timeout: option(
    "duration",
    duration({ bare: "s", minMs: 50, maxMs: 60_000 }),
    "for each request (default: 2s)",
  ),
  "give-up": option(
    "duration",
    duration({ bare: "s", minMs: 100 }),
    "stop trying after this; not for a FIFO (default: 1h)",
  ),
  fifo: option(
    "file",
    text("a FIFO"),
    "read each change of state from keepalived's notify FIFO, and go on until keepalived ends",
  ),
  instance: option("name", text("a name"), "with --fifo: only this instance or group (default: all)"),
} as const;

const spec: CommandSpec<typeof options> = {
  name: "maxify",
  summary: "Do as the maxify.sh script does: MASTER makes the proxy active, every other state passive",
  details: [
    "For keepalived's notify, which appends the arguments; or, as vrrp_notify_fifo_script, with --fifo at the end, which keepalived completes with the path. MASTER sets passive=false in the REST API of a Sluice or MaxScale, of several in each; BACKUP, FAULT and STOP set passive=true.",
    "A message is sent again until it is acknowledged or a newer state makes it pointless; of several of these commands, the one started last has the last word. With --fifo, that keepalived was killed counts as STOP.",
  ],
  operands: "INSTANCE|GROUP NAME STATE [PRIORITY]",
  maxOperands: 4,
  options,
  examples: [
    ["notify /usr/bin/maxify", "in a vrrp_instance; maxify is a link to sluice"],
    [
      'vrrp_notify_fifo_script "/usr/bin/sluice maxify --password-file /etc/keepalived/maxify.password --fifo"',
      "in global_defs, with vrrp_notify_fifo",
    ],
  ],
  exitCodes: [
    [0, "acknowledged, or a newer state has taken over"],
    [2, "the command line is wrong"],
    [3, "not acknowledged by --give-up"],
  ],
};

type Values = OptionValues<typeof options>;

export const command: Command = {
  spec,
  async run(args) {
    const { values, operands } = parseArguments(spec, args);
    const flags = openFlags(values);
    if (values.fifo !== undefined) return await followFifo(values.fifo, values.instance, flags);
    const [, , state = ""] = operands;
    if (operands.length < 3)
      throw new SluiceError("USAGE", `the form is: ${formOf(spec)}, or: sluice maxify --fifo FIFO`);
    const passive = isPassive(state);
    if (passive === undefined) {
      throw new SluiceError("USAGE", `${quote(state)} is no state; expected MASTER, BACKUP, FAULT or STOP`);
    }
    return await tellOnce(operands[1] ?? "", passive, flags, values["give-up"] ?? GIVE_UP_MS);
  },
};

function openFlags(values: Values): readonly AcknowledgedFlag[] {
  const { timeout, ...rest } = values;
  return openRest(rest, timeout ?? REQUEST_MS).all.map((daemon) => {
    return new AcknowledgedFlag(passiveFlag(daemon), RETRY_MS, SYSTEM_CLOCK, STDERR_LOG);
  });
}

async function tellOnce(
  name: string,
  passive: boolean,
  flags: readonly AcknowledgedFlag[],
  giveUpMs: number,
): Promise<number> {
  const turn = new MaxifyTurn(name, Number(process.hrtime.bigint() / 1000n));
  if (!(await turn.take(2 * REQUEST_MS))) return 0;
  const close = (): void => {
    for (const flag of flags) void flag.close();
  };
  turn.whenSuperseded(close);
  let isLate = false;
  const cancel = SYSTEM_CLOCK.after(giveUpMs, () => {
    isLate = true;
    close();
  });
  for (const flag of flags) flag.want(passive);
  await Promise.all(flags.map((flag) => flag.settled()));
  cancel();
  if (!turn.isSuperseded) await turn.end();
  return isLate ? 3 : 0;
}

/** Until keepalived ends it by SIGTERM, or is gone. */
async function followFifo(
  path: string,
  instance: string | undefined,
  flags: readonly AcknowledgedFlag[],
): Promise<number> {
  const onLine = (line: string): void => {
    const notice = parseVrrpNotice(line);
    if (notice === undefined || (instance !== undefined && notice.name !== instance)) return;
    const passive = isPassive(notice.state);
    if (passive !== undefined) for (const flag of flags) flag.want(passive);
  };
  const reader = new FifoReader(path, SYSTEM_CLOCK, onLine, (sentence) =>
    printError(`maxify: ${sentence}\n`),
  );
  reader.start();
  for (const flag of flags) flag.keep(RETRY_MS);
  const isEnding = await keepalivedEnds();
  // What it wrote last; a keepalived that was killed could not write STOP.
  reader.read();
  reader.close();
  if (isEnding) for (const flag of flags) flag.want(true);
  const settled = Promise.all(flags.map((flag) => flag.settled()));
  await Promise.race([settled, wait(FAREWELL_MS)]);
  return 0;
}

/**
 * Resolves when this program is to end: to true when keepalived does, too. keepalived sends SIGTERM before it ends, before it writes
 * STOP, and also where it only reads its configuration again; then it goes on, and another reader takes over.
 */
async function keepalivedEnds(): Promise<boolean> {
  const parent = process.ppid;
  let isSignalled = false;
  process.once("SIGTERM", () => {
    isSignalled = true;
  });
  process.once("SIGINT", () => {
    isSignalled = true;
  });
  const isGone = (): boolean => process.ppid !== parent;
  while (!isSignalled && !isGone()) await wait(PARENT_LOOK_MS);
  for (let look = 0; look < LAST_LOOKS && !isGone(); look++) await wait(PARENT_LOOK_MS);
  return isGone();
}

const line = (_fields: unknown, message: string): void => printError(`maxify: ${message}\n`);
const STDERR_LOG: Log = { debug: () => {}, info: line, warn: line, error: line, child: () => STDERR_LOG };
