import { expect, test } from "bun:test";
import { FAULTS } from "../support/soak/faults.ts";
import { soak } from "../support/soak/soak.ts";

// Each kind of fault once under load; `npm run bench:soak` goes on for half an hour.

test("nodes killed, hung, cut off, slow, drained; workers and the control process killed: nothing acknowledged is lost", async () => {
  const seed = Math.floor(Math.random() * 1e6);
  const story: string[] = [`seed ${seed}`];
  const result = await soak({ minutes: 0, clients: 16, seed, say: (line) => story.push(line) });
  try {
    expect([...result.faults.keys()].sort()).toEqual(FAULTS.map(({ name }) => name).sort());
    expect(result.acknowledged).toBeGreaterThan(100);
    expect(result.lost).toBe(0);
    expect(result.isAnyoneStuck).toBe(false);
    expect(result.sessionsLeft).toBe(0);
    expect(result.errorsOfGentleFaults).toBe(0);
    expect(Math.max(...result.memory)).toBeLessThan(200);
  } catch (error) {
    throw new Error(story.join("\n"), { cause: error });
  }
}, 240_000);
