import { expect, test } from "bun:test";
import { MaxifyTurn } from "./maxify-turn.ts";

let count = 0;
const names = (): string => `test-${process.pid}-${count++}`;

test("the newer one waits for the older, which is told", async () => {
  const name = names();
  const older = new MaxifyTurn(name, 1);
  expect(await older.take(1000)).toBe(true);
  let isTold = false;
  older.whenSuperseded(() => {
    isTold = true;
    void older.end();
  });
  const newer = new MaxifyTurn(name, 2);
  expect(await newer.take(2000)).toBe(true);
  expect(isTold).toBe(true);
  await newer.end();
});

test("an older one that comes too late gets no turn", async () => {
  const name = names();
  const newer = new MaxifyTurn(name, 2);
  expect(await newer.take(1000)).toBe(true);
  expect(await new MaxifyTurn(name, 1).take(1000)).toBe(false);
  expect(newer.isSuperseded).toBe(false);
  await newer.end();
});
