import { describe, expect, test } from "bun:test";
import { SPLIT_RULES } from "../../../test/support/split-rig.ts";
import { classify } from "../../sql/classify.ts";
import { COMMAND } from "../../wire/command.ts";
import { PLAIN_OK, writeOk } from "../../wire/ok-packet.ts";
import { framed, HEADER_BYTES } from "../../wire/packet.ts";
import { Command } from "./command.ts";
import type { LegSet } from "./leg-set.ts";
import type { Awaited, ServerLeg } from "./server-leg.ts";
import { SessionContext } from "./session-context.ts";
import type { SplitHost } from "./split-host.ts";
import { TransactionKeeper } from "./transaction-keeper.ts";

const RULES = {
  ...SPLIT_RULES,
  replay: { maxBytes: 1 << 20, attempts: 3, timeoutMs: 1000, checksum: "full", onDeadlock: false },
} as const;
const OK = framed(1, writeOk(PLAIN_OK, 0));

/** A connection that answers everything with OK, and keeps what it was sent; or is closed behind the answer to its last statement. */
function stubLeg(closesAfter = Number.POSITIVE_INFINITY): {
  readonly leg: ServerLeg;
  readonly sent: string[];
} {
  const sent: string[] = [];
  const leg = {
    isClosed: false,
    position: 0,
    login: { capabilities: 0 },
    reply: { outcome: "ok", errno: 0 },
    prepared: new Map(),
    send: (bytes: Buffer, awaited: Awaited) => {
      sent.push(bytes.toString("utf8", HEADER_BYTES + 1));
      awaited.bytes(leg as unknown as ServerLeg, OK);
      awaited.done(leg as unknown as ServerLeg);
      leg.isClosed = sent.length >= closesAfter;
      return true;
    },
  };
  return { leg: leg as unknown as ServerLeg, sent };
}

function query(text: string): Command {
  const command = new Command();
  command.begin(framed(0, Buffer.from([COMMAND.QUERY, ...Buffer.from(text)])), false);
  command.flags = classify(Buffer.from(text), 0, Buffer.byteLength(text), 0);
  return command;
}

/** A session whose keeper has noted what it did; `!` before a statement: it was answered with an error; `.`: no transaction is open after it. */
function played(...statements: string[]) {
  return playedOn([], statements);
}

/** @param firstReached connections that it gets before the one that keeps what it was sent */
function playedOn(firstReached: readonly ServerLeg[], statements: readonly string[]) {
  const context = new SessionContext(RULES);
  const [lost, next] = [stubLeg(), stubLeg()];
  const reached = [...firstReached, next.leg];
  const legs = {
    on: () => undefined,
    reach: async () => reached.shift(),
    catchUp: () => true,
    drop: () => {},
  };
  const host = { rules: RULES, primary: {}, timers: { now: () => 0, after: () => () => {} } };
  let tell: (what: string) => void = () => {};
  const outcome = new Promise<string>((resolve) => {
    tell = resolve;
  });
  const keeper = new TransactionKeeper(host as unknown as SplitHost, context, legs as unknown as LegSet, {
    repeated: () => tell("repeated"),
    notRepeated: (reason) => tell(reason),
  });
  for (const statement of statements) {
    const [, mark, text = ""] = /^([!.]?)(.*)$/.exec(statement) ?? [];
    Object.assign(lost.leg.reply, { outcome: mark === "!" ? "error" : "ok", errno: mark === "!" ? 1927 : 0 });
    context.facts.transaction = mark === "." ? undefined : lost.leg;
    keeper.add(OK);
    keeper.note(query(text), lost.leg);
  }
  return { keeper, outcome, sent: next.sent };
}

describe("a transaction whose server is lost", () => {
  test("is done again from its BEGIN on", async () => {
    const { keeper, outcome, sent } = played(
      ".SET @a = 1",
      "BEGIN",
      "INSERT INTO t VALUES (1)",
      "SAVEPOINT s",
    );
    expect(keeper.repeat(undefined)).toBe(true);
    expect(await outcome).toBe("repeated");
    expect(sent).toEqual(["BEGIN", "INSERT INTO t VALUES (1)", "SAVEPOINT s"]);
  });

  test("is done again from the last BEGIN on: what was before it is committed", async () => {
    const { keeper, outcome, sent } = played(
      "BEGIN",
      "INSERT INTO t VALUES (1)",
      "START TRANSACTION",
      "DELETE FROM t",
    );
    expect(keeper.repeat(undefined)).toBe(true);
    await outcome;
    expect(sent).toEqual(["START TRANSACTION", "DELETE FROM t"]);
  });

  const unsafe: readonly (readonly string[])[] = [
    ["BEGIN", "INSERT INTO t VALUES (1)", "COMMIT AND CHAIN", "DELETE FROM t"],
    ["BEGIN", "INSERT INTO t VALUES (1)", "ROLLBACK AND CHAIN"],
    ["BEGIN", "INSERT INTO t VALUES (1); COMMIT; BEGIN; DELETE FROM t"],
    ["BEGIN", "CALL p()", "DELETE FROM t"],
    ["BEGIN", "INSERT INTO t VALUES (1)", "!COMMIT"],
    ["BEGIN", "INSERT INTO t VALUES (1)", "!BEGIN"],
    ["BEGIN", "INSERT INTO t VALUES (1)", "!CREATE TABLE u (a INT)"],
    ["BEGIN", "USE other", "DELETE FROM t"],
  ];
  test.each(unsafe.map((statements) => [statements.join(", "), statements] as const))(
    "is not where part of it may be committed: %s",
    (_, statements) => {
      const { keeper, sent } = played(...statements);
      expect(keeper.repeat(undefined)).toBe(false);
      expect(sent).toEqual([]);
    },
  );

  test("may be again once the next one has begun", async () => {
    const { keeper, outcome, sent } = played("BEGIN", "CALL p()", ".COMMIT", "BEGIN", "DELETE FROM t");
    expect(keeper.repeat(undefined)).toBe(true);
    await outcome;
    expect(sent).toEqual(["BEGIN", "DELETE FROM t"]);
  });

  test.each(["COMMIT", "CALL p()", "CREATE TABLE u (a INT)", "DELETE FROM t; COMMIT"])(
    "is not while %s is under way, which may have been done",
    (text) => {
      const { keeper } = played("BEGIN", "INSERT INTO t VALUES (1)");
      const command = query(text);
      command.isSent = true;
      expect(keeper.repeat(command)).toBe(false);
      command.isSent = false;
      expect(keeper.repeat(command)).toBe(true);
    },
  );

  test("is done again on a third connection where the second one was lost behind its last answer", async () => {
    const { keeper, outcome, sent } = playedOn([stubLeg(2).leg], ["BEGIN", "INSERT INTO t VALUES (1)"]);
    expect(keeper.repeat(undefined)).toBe(true);
    expect(await outcome).toBe("repeated");
    expect(sent).toEqual(["BEGIN", "INSERT INTO t VALUES (1)"]);
  });

  test("keeps its beginning while another server answers", async () => {
    const { keeper, outcome, sent } = played("BEGIN", "INSERT INTO t VALUES (1)");
    keeper.note(query("SELECT 1"), stubLeg().leg);
    expect(keeper.repeat(undefined)).toBe(true);
    await outcome;
    expect(sent).toEqual(["BEGIN", "INSERT INTO t VALUES (1)"]);
  });
});
