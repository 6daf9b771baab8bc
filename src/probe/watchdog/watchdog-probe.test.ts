import { afterAll, afterEach, expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { eventually } from "../../../test/eventually.ts";
import { TemporaryFolders } from "../../../test/support/temporary-folders.ts";
import { SYSTEM_CLOCK } from "../../telemetry/clock.ts";
import { parseAnswer, WatchdogProbe } from "./watchdog-probe.ts";

const ENDPOINT = { kind: "tcp", host: "10.0.0.1", port: 3306 } as const;
const folders = new TemporaryFolders();
const folder = folders.make();
const probes: WatchdogProbe[] = [];
let scripts = 0;

afterEach(() => {
  for (const probe of probes.splice(0)) probe.close();
});
afterAll(() => folders.remove());

/** A probe of a script, which is given `-x` besides the server. */
function probeOf(script: string): WatchdogProbe {
  const path = join(folder, `script-${++scripts}`);
  writeFileSync(path, `#!/bin/sh\n${script}\n`, { mode: 0o755 });
  const probe = new WatchdogProbe(`${path} -x`, ENDPOINT, process.env, SYSTEM_CLOCK);
  probes.push(probe);
  return probe;
}

test.each([
  ["3", { state: "ready", members: [] }],
  ["2 \r", { state: "avoid", members: [] }],
  ["3 10.0.0.1:3306,10.0.0.2:3306", { state: "ready", members: ["10.0.0.1:3306", "10.0.0.2:3306"] }],
  ["0", { state: "gone", members: [] }],
])("%p", (line, answer) => {
  expect(parseAnswer(line)).toEqual(answer as never);
});

test.each(["", "4", "-1", "ready", "33"])("%p is no answer", (line) => {
  expect(() => parseAnswer(line)).toThrow("no state from 0 to 3");
});

test("the script is started once, gets the server as its first argument, and is polled", async () => {
  const probe = probeOf(
    'n=0; while read -r word; do n=$((n + 1)); [ "$word" = poll ] && echo "3 $1,$2,$n"; done',
  );
  for (const n of ["1", "2"]) {
    const observation = await probe.ask(5000);
    expect(observation).toMatchObject({
      reached: true,
      facts: { watchdog: { state: "ready", members: ["10.0.0.1:3306", "-x", n] } },
    });
  }
});

test("a script that ends, says nonsense or nothing is a failure, and is started anew", async () => {
  const ended = await probeOf("echo no such host >&2; exit 3").ask(5000);
  expect(ended).toMatchObject({ reached: false, failure: { code: "PROBE_WATCHDOG_FAILED" } });
  expect(JSON.stringify(ended)).toContain("it ended (exit code 3): no such host");
  expect(JSON.stringify(await probeOf("read -r word; echo fine").ask(5000))).toContain(
    "no state from 0 to 3",
  );
  const marker = join(folder, "second");
  const silent = probeOf(`[ -e ${marker} ] && { read -r word; echo 3; exit; }; touch ${marker}; sleep 1000`);
  expect(JSON.stringify(await silent.ask(300))).toContain("no answer within 300 ms");
  expect(await silent.ask(5000)).toMatchObject({ reached: true });
});

test("it is told to quit", async () => {
  const marker = join(folder, "quit");
  const probe = probeOf(`while read -r word; do echo 3; [ "$word" = quit ] && touch ${marker}; done`);
  await probe.ask(5000);
  probe.close();
  await eventually(async () => await Bun.file(marker).exists());
});
