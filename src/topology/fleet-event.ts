import type { Cause } from "./state.ts";

/** One event of a fleet, as it is kept, streamed and counted. Plain data: it goes through JSON unchanged. */
export interface FleetEvent {
  /** Counts up by one, also across restarts. */
  readonly id: number;
  /** Wall-clock time, ms since 1970. */
  readonly time: number;
  readonly monitor: string;
  readonly server: string;
  /** `server_up`, `new_primary` … */
  readonly event: string;
  /** State strings before and after. */
  readonly from: string;
  readonly to: string;
  readonly cause: Cause;
  /** MaxScale's name of the whole change, on one of its events. */
  readonly maxscaleEvent: string | null;
}
