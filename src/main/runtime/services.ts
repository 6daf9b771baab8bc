import type { Decrypt } from "../../config/secrets.ts";
import type { FleetStore } from "../../monitor/fleet-store.ts";
import type { AgentActions } from "../../publish/agent-socket/agent-handlers.ts";
import type { Clock } from "../../telemetry/clock.ts";
import type { Log } from "../../telemetry/log.ts";

/** What publishers are built from. */
export interface Services {
  readonly fleet: FleetStore;
  readonly clock: Clock;
  readonly log: Log;
  readonly actions: AgentActions;
  readonly decrypt: Decrypt;
  metrics(): Promise<string>;
}
