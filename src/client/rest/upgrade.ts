import { SluiceError } from "../../errors/sluice-error.ts";
import type { Clock } from "../../telemetry/clock.ts";
import type { Daemon } from "./daemon.ts";
import { pause } from "./pause.ts";

/** Versions with their commits. */
export interface Upgrade {
  readonly from: string;
  readonly to: string;
}

/** How often it is asked how an upgrade does, ms. */
const LOOK_MS = 100;

/**
 * Has the daemon give way to the executable that is installed there now, and waits for the outcome.
 * @throws SluiceError REFUSED where the old one goes on, with the reason; TIMEOUT where neither answers within `deadlineMs`
 */
export async function upgradeDaemon(daemon: Daemon, clock: Clock, deadlineMs: number): Promise<Upgrade> {
  const end = clock.monotonic() + deadlineMs;
  const begun = (await daemon.send("POST", "maxscale/upgrade")) as {
    readonly meta: { readonly upgrade: Status };
  };
  for (;;) {
    await pause(clock, LOOK_MS, NEVER);
    const status = await statusOfUpgrade(daemon, clock.monotonic() < end);
    if (status?.id === begun.meta.upgrade.id && status.state === "done") return status;
    if (status?.id === begun.meta.upgrade.id && status.state === "failed")
      throw new SluiceError(
        "REFUSED",
        `${status.to} has failed, and ${status.from} goes on: ${status.reason}`,
      );
    if (clock.monotonic() >= end)
      throw new SluiceError(
        "TIMEOUT",
        `${daemon.name} has not said within ${deadlineMs / 1000} s how it went; see its log`,
      );
  }
}

interface Status extends Upgrade {
  readonly id: number;
  readonly state: string;
  readonly reason?: string;
}

const NEVER = new AbortController().signal;

/** Between two programs a connection may be cut: then it is asked again, as long as there is time. */
async function statusOfUpgrade(daemon: Daemon, mayFail: boolean): Promise<Status | undefined> {
  try {
    const document = (await daemon.get("maxscale")) as {
      readonly data: { readonly attributes: { readonly upgrade: Status | null } };
    };
    return document.data.attributes.upgrade ?? undefined;
  } catch (error) {
    if (mayFail && error instanceof SluiceError && error.code === "API_UNREACHABLE") return undefined;
    throw error;
  }
}
