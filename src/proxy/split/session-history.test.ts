import { expect, test } from "bun:test";
import { SessionHistory } from "./session-history.ts";

const texts = (history: SessionHistory, position = 0): string[] =>
  history.after(position).map(({ bytes }) => bytes.toString());
const keep = (history: SessionHistory, text: string, sets?: string): number => {
  const id = history.nextId();
  history.keep(id, Buffer.from(text), sets);
  return id;
};

test("a connection lacks what came after its position", () => {
  const history = new SessionHistory({ max: 50, prune: true });
  const first = keep(history, "SET a");
  history.nextId(); // one that failed
  keep(history, "SET b");
  expect(texts(history)).toEqual(["SET a", "SET b"]);
  expect(texts(history, first)).toEqual(["SET b"]);
  expect(texts(history, history.lastId)).toEqual([]);
});

test("a command is forgotten once a later one sets the same, unless one between may have used it", () => {
  const history = new SessionHistory({ max: 50, prune: true });
  keep(history, "USE a", "database");
  keep(history, "SET NAMES x", "names");
  keep(history, "USE b", "database");
  expect(texts(history)).toEqual(["SET NAMES x", "USE b"]);
  keep(history, "PREPARE s");
  keep(history, "USE c", "database");
  expect(texts(history)).toEqual(["SET NAMES x", "USE b", "PREPARE s", "USE c"]);
  expect(history.bytes).toBe("SET NAMES xUSE bPREPARE sUSE c".length);
});

test("more than the limit: the oldest goes, or all", () => {
  const pruned = new SessionHistory({ max: 2, prune: true });
  for (const text of ["a", "b", "c"]) keep(pruned, text);
  expect(texts(pruned)).toEqual(["b", "c"]);
  expect(pruned.isWhole).toBe(true);
  const kept = new SessionHistory({ max: 2, prune: false });
  for (const text of ["a", "b", "c"]) keep(kept, text);
  expect(kept.isWhole).toBe(false);
  expect(kept.length).toBe(0);
  kept.reset();
  keep(kept, "d");
  expect(texts(kept)).toEqual(["d"]);
});

test("megabytes are not kept", () => {
  const history = new SessionHistory({ max: 50, prune: true });
  for (let i = 0; i < 3; i++) keep(history, "x".repeat(500_000));
  expect(history.isWhole).toBe(false);
});
