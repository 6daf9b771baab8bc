import { expect, test } from "bun:test";
import { FakeClock } from "../../../test/support/fake-clock.ts";
import { WriteQueue } from "./write-queue.ts";

/** A task that ends when the test says so. */
function task() {
  let finish: (value?: unknown) => void = () => {};
  const done = new Promise((resolve) => {
    finish = resolve;
  });
  return { run: () => done, finish };
}

test("one at a time, in the order in which they came, whatever becomes of the one before", async () => {
  const queue = new WriteQueue(new FakeClock());
  let running = 0;
  const order: number[] = [];
  const all = Array.from({ length: 50 }, (_, i) =>
    queue.run(async () => {
      expect(++running).toBe(1);
      await new Promise((resolve) => setImmediate(resolve));
      order.push(i);
      running--;
      if (i % 3 === 0) throw new Error(`${i}`);
      return i;
    }),
  );
  const settled = await Promise.allSettled(all);
  expect(order).toEqual([...order].sort((a, b) => a - b));
  expect(settled.filter(({ status }) => status === "rejected")).toHaveLength(17);
  expect(await queue.run(() => "still works")).toBe("still works");
});

test("who finds no place is told so at once", async () => {
  const queue = new WriteQueue(new FakeClock(), { places: 1, waitMs: 1000 });
  const first = task();
  const running = queue.run(first.run);
  const waiting = queue.run(() => "second");
  await expect(queue.run(() => "third")).rejects.toMatchObject({ code: "BUSY" });
  first.finish();
  await running;
  expect(await waiting).toBe("second");
});

test("who waits too long has changed nothing, and those behind it get their turn", async () => {
  const clock = new FakeClock();
  const queue = new WriteQueue(clock, { places: 10, waitMs: 1000 });
  const first = task();
  const running = queue.run(first.run);
  let wasRun = false;
  const late = queue
    .run(() => {
      wasRun = true;
    })
    .catch((error: unknown) => (error as { code: string }).code);
  clock.advance(600);
  const patient = queue.run(() => "patient");
  clock.advance(400);
  expect(await late).toBe("BUSY");
  first.finish();
  await running;
  expect(await patient).toBe("patient");
  expect([wasRun, clock.pending]).toEqual([false, 0]);
});
