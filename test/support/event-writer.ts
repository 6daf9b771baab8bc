// A process for event-log.test.ts to kill: appends events for ever, a few at a time, and says the id of the last one once
// it is written: `written 17`.
import { writeSync } from "node:fs";
import { EventLog } from "../../src/monitor/event-log.ts";
import { SYSTEM_CLOCK } from "../../src/telemetry/clock.ts";
import { RecordingLog } from "./recording-log.ts";
import { someEvents } from "./some-events.ts";

const log = new RecordingLog();
const events = new EventLog(process.argv[2] ?? "", log, SYSTEM_CLOCK);
for (let n = 1; ; n += 1) {
  events.append("fleet", someEvents(1 + (n % 40)));
  await events.flush();
  writeSync(1, `written ${events.events().at(-1)?.id}\n`);
}
