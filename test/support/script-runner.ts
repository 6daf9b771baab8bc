// A process for event-script.test.ts to kill: runs each command line it is given as the script of a monitor.
import { EventScript } from "../../src/monitor/event-script.ts";
import { SYSTEM_CLOCK } from "../../src/telemetry/clock.ts";
import { SILENT_LOG } from "../../src/telemetry/log.ts";
import { anEvent } from "./some-events.ts";

for (const commandLine of process.argv.slice(2)) {
  const script = new EventScript({
    monitor: "fleet",
    commandLine,
    events: ["all"],
    timeoutMs: 600_000,
    isPassive: () => false,
    log: SILENT_LOG,
    clock: SYSTEM_CLOCK,
  });
  script.handle([anEvent()], []);
}
