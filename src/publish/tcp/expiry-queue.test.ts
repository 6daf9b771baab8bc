import { beforeEach, describe, expect, test } from "bun:test";
import { FakeClock } from "../../../test/support/fake-clock.ts";
import { ExpiryQueue } from "./expiry-queue.ts";

describe("ExpiryQueue", () => {
  let clock: FakeClock;
  let expired: string[];
  let queue: ExpiryQueue<string>;

  beforeEach(() => {
    clock = new FakeClock();
    expired = [];
    queue = new ExpiryQueue(clock, 100, (item) => expired.push(item));
  });

  test("expires each item its own time after it came", () => {
    queue.add("a");
    clock.advance(60);
    queue.add("b");
    clock.advance(40);
    expect(expired).toEqual(["a"]);
    clock.advance(59);
    expect(expired).toEqual(["a"]);
    clock.advance(1);
    expect(expired).toEqual(["a", "b"]);
    expect(queue.size).toBe(0);
  });

  test("adding again starts the time anew and moves to the end", () => {
    queue.add("a");
    queue.add("b");
    clock.advance(50);
    queue.add("a");
    expect(queue.oldest()).toBe("b");
    clock.advance(50);
    expect(expired).toEqual(["b"]);
  });

  test("one timer serves all items, and none is left when nothing waits", () => {
    for (let i = 0; i < 1000; i++) queue.add(`item ${i}`);
    expect(clock.pending).toBe(1);
    for (let i = 0; i < 1000; i++) queue.delete(`item ${i}`);
    clock.advance(100);
    expect([expired.length, clock.pending]).toEqual([0, 0]);
  });

  test("an item may be added while another expires", () => {
    const chain = new ExpiryQueue<number>(clock, 10, (n) => {
      expired.push(String(n));
      if (n < 3) chain.add(n + 1);
    });
    chain.add(1);
    clock.advance(30);
    expect(expired).toEqual(["1", "2", "3"]);
    expect(clock.pending).toBe(0);
  });

  test("clear forgets items and timer", () => {
    queue.add("a");
    queue.clear();
    expect([queue.items().length, clock.pending]).toEqual([0, 0]);
    clock.advance(1000);
    expect(expired).toEqual([]);
  });
});
