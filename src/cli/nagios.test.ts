import { expect, test } from "bun:test";
import { channel, facts, galeraFacts } from "../../test/support/facts.ts";
import { aVerdict, JUDGED_AT } from "../../test/support/fake-fleet.ts";
import type { ServerFacts } from "../topology/facts.ts";
import { nagiosLine, nagiosStatus } from "./nagios.ts";

const answer = (code: string, up = false, draining = false) => ({ up, draining, code, sentence: "why" });
const seeing = (found: ServerFacts) =>
  aVerdict({ observation: { reached: true, at: JUDGED_AT, tookMs: 1.25, facts: found } });

test.each([
  [answer("GALERA_SYNCED", true), 0],
  [answer("DRAINING", false, true), 1],
  [answer("MAINTENANCE"), 1],
  [answer("OFF_SWITCH"), 1],
  [answer("PROBE_REFUSED"), 2],
  [answer("NOT_PRIMARY"), 2],
  [answer("STALE"), 3],
])("%j is %d", (given, status) => {
  expect(nagiosStatus(given, aVerdict())).toBe(status as 0);
});

test("before the first probe nothing is known", () => {
  expect(nagiosStatus(answer("STARTING"), aVerdict({ known: false }))).toBe(3);
});

test("the line, with performance data of what the server is", () => {
  const now = JUDGED_AT + 250;
  expect(nagiosLine(answer("GALERA_SYNCED", true), seeing(galeraFacts()), now)).toBe(
    "SLUICE OK - GALERA_SYNCED: why | up=1 age=0.250s took=0.001250s recv_queue=0 cluster_size=3\n",
  );
  const replica = seeing(facts({ channels: [channel({ lagSeconds: 7 })] }));
  expect(nagiosLine(answer("REPLICA_LAGGING"), replica, now)).toBe(
    "SLUICE CRITICAL - REPLICA_LAGGING: why | up=0 age=0.250s took=0.001250s lag=7s\n",
  );
  expect(nagiosLine({ ...answer("PROBE_REFUSED"), sentence: "a|b\nc" }, aVerdict(), now)).toBe(
    "SLUICE CRITICAL - PROBE_REFUSED: a b c | up=0 age=0.250s\n",
  );
});
