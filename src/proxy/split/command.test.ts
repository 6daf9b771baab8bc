import { describe, expect, test } from "bun:test";
import { classify } from "../../sql/classify.ts";
import { COMMAND } from "../../wire/command.ts";
import { framed } from "../../wire/packet.ts";
import { Command } from "./command.ts";

function query(text: string, destination: Command["destination"] = "primary"): Command {
  const command = new Command();
  command.begin(framed(0, Buffer.from([COMMAND.QUERY, ...Buffer.from(text)])), false);
  command.flags = classify(Buffer.from(text), 0, text.length, 0);
  command.destination = destination;
  return command;
}

describe("a statement whose server was lost may be sent to another one", () => {
  test("where it has changed nothing, or the same again", () => {
    for (const text of [
      "SELECT 1",
      "BEGIN",
      "START TRANSACTION",
      "START TRANSACTION READ ONLY",
      "SET @a = 1",
    ])
      expect([text, query(text).isRepeatable]).toEqual([text, true]);
  });

  test("not where nobody knows what it has done", () => {
    for (const text of [
      "INSERT INTO t VALUES (1)",
      "COMMIT",
      "COMMIT AND CHAIN",
      "BEGIN; SELECT 1",
      "CREATE TABLE t (a INT)",
    ])
      expect([text, query(text).isRepeatable]).toEqual([text, false]);
    // It may have committed the transaction before it.
    expect(query("BEGIN", "transaction").isRepeatable).toBe(false);
  });
});
