// npm run demo: a cluster of its own, Sluice watching it, and faults that the verdicts must follow.
import { existsSync } from "node:fs";
import { galeraStage } from "./demo/galera-stage.ts";
import { localStage } from "./demo/local-stage.ts";
import { Screen } from "./demo/screen.ts";
import type { Act, Stage, Watched } from "./demo/stage.ts";

const LOOK_MS = 100;
const VERDICT_DEADLINE_MS = 30_000;
const PAUSE_MS = 6_000;
const isOnce = process.argv.includes("--once");

const stop = new AbortController();
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, () => stop.abort());

const canHoldCluster = process.getuid?.() === 0 && existsSync("/usr/lib/galera/libgalera_smm.so");
console.log(
  canHoldCluster
    ? "Starting a Galera cluster (about half a minute) …"
    : "Not root, or no Galera here: starting one local server …",
);
const stage = await (canHoldCluster ? galeraStage() : localStage());
let misses = 0;
try {
  misses = await play(stage);
} finally {
  console.log("\nStopping everything …");
  await stage.close();
}
if (isOnce)
  console.log(
    misses === 0 ? "Every expected verdict was seen." : `${misses} expected verdicts were not seen.`,
  );
process.exit(misses === 0 ? 0 : 1);

async function play({ description, watched, acts, suggestions }: Stage): Promise<number> {
  console.log(
    `\nSluice watches ${description}.\n\nTry in another terminal:\n${suggestions.map((line) => `  ${line}`).join("\n")}\n`,
  );
  const screen = new Screen(watched);
  const looking = setInterval(() => void look(watched, screen), LOOK_MS);
  let missed = 0;
  try {
    for (const on of watched)
      missed += await until(on, (code) => /SYNCED|HEALTHY/.test(code), screen, "is watched and well");
    do {
      for (const act of acts) {
        if (stop.signal.aborted) return missed;
        missed += await perform(act, screen);
        await pause(isOnce ? 300 : PAUSE_MS);
      }
    } while (!isOnce && !stop.signal.aborted);
    return missed;
  } finally {
    clearInterval(looking);
    screen.end();
  }
}

/** Announces, does it, and waits for the verdict. Returns 1 if it did not come. */
async function perform(act: Act, screen: Screen): Promise<0 | 1> {
  screen.say(`▶ ${act.on.name} ${act.title}`);
  const begun = performance.now();
  const [missed] = await Promise.all([
    until(
      act.on,
      (code) => act.expected.includes(code),
      screen,
      `${act.title}: ${act.expected.join(" or ")}`,
      begun,
    ),
    act.run(),
  ]);
  return missed;
}

async function until(
  on: Watched,
  isExpected: (code: string) => boolean,
  screen: Screen,
  what: string,
  begun = performance.now(),
): Promise<0 | 1> {
  while (performance.now() - begun < VERDICT_DEADLINE_MS && !stop.signal.aborted) {
    const code = await on.status().then(
      (status) => status.code,
      () => "",
    );
    if (isExpected(code)) {
      screen.say(`  ✓ ${on.name}: ${code} after ${Math.round(performance.now() - begun)} ms`);
      return 0;
    }
    await pause(10);
  }
  if (stop.signal.aborted) return 0;
  screen.say(`  ✗ ${on.name} ${what}: the verdict did not come`);
  return 1;
}

async function look(watched: readonly Watched[], screen: Screen): Promise<void> {
  for (const on of watched) {
    try {
      const status = await on.status();
      screen.show(on.name, { ...status, word: status.up ? "up" : "DOWN" });
    } catch (error) {
      screen.show(on.name, {
        word: "?",
        role: "",
        code: "",
        sentence: `the agent does not answer: ${String(error)}`,
      });
    }
  }
}

/** Waits, and less if everything is to stop. */
function pause(ms: number): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(done, ms);
    stop.signal.addEventListener("abort", done, { once: true });
    function done(): void {
      clearTimeout(timer);
      stop.signal.removeEventListener("abort", done);
      resolve();
    }
  });
}
