// Run by event-log.test.ts on a file system that has only 1 MB: fills it, goes on, makes room, and says what came of it.
import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { EventLog } from "../../src/monitor/event-log.ts";
import { FakeClock } from "./fake-clock.ts";
import { RecordingLog } from "./recording-log.ts";
import { someEvents } from "./some-events.ts";

const directory = process.argv[2] ?? "";
const clock = new FakeClock();
const log = new RecordingLog();
const ballast = join(directory, "ballast");
writeFileSync(ballast, Buffer.alloc(900 * 1024));

const events = new EventLog(directory, log, clock);
for (let n = 0; n < 200; n += 1) {
  events.append("fleet", someEvents(10));
  await events.flush();
  clock.advance(10_000);
}
console.log(`warnings ${log.messages("warn").length}, kept ${events.events().length}`);
report("with the disk full");
rmSync(ballast);
events.append("fleet", someEvents(1));
await events.flush();
report("with room again");

function report(when: string): void {
  const found = new EventLog(directory, new RecordingLog(), clock).events().map(({ id }) => id);
  const kept = events.events().map(({ id }) => id);
  const inOrder = found.every((id, n) => n === 0 || id === (found[n - 1] ?? 0) + 1);
  console.log(
    `${when}: some ${found.length > 0}, in order ${inOrder}, all ${String(found) === String(kept)}`,
  );
}
