import { describe, expect, test } from "bun:test";
import { channel, facts, galera } from "../../test/support/facts.ts";
import { aVerdict, JUDGED_AT } from "../../test/support/fake-fleet.ts";
import { type StatusDocument, statusDocument } from "../publish/http/status-document.ts";
import type { Endpoint } from "../topology/endpoint.ts";
import type { ServerSnapshot } from "../topology/fleet.ts";
import { snapshotOf } from "./server-status.ts";

const NOW = JUDGED_AT + 500;

/** Over the wire and back. */
function carried(snapshot: ServerSnapshot, now = NOW): ServerSnapshot {
  return snapshotOf(JSON.parse(JSON.stringify(statusDocument(snapshot, now))) as StatusDocument, now);
}

describe("a snapshot comes back from /status as it went", () => {
  const endpoints: Endpoint[] = [
    { kind: "tcp", host: "10.0.0.1", port: 3306 },
    { kind: "tcp", host: "fd00::1", port: 3307 },
    { kind: "socket", path: "/run/mysqld/mysqld.sock" },
  ];
  const found = facts({
    galera: galera(),
    channels: [channel({ lagSeconds: undefined, ioError: { errno: 1, message: "x" } })],
  });
  const failure = { code: "PROBE_REFUSED", detail: "refused", errno: undefined } as const;
  const verdicts = [
    aVerdict(),
    aVerdict({ observation: { reached: true, at: JUDGED_AT, tookMs: 1.5, facts: found } }),
    aVerdict({
      observation: { reached: true, at: JUDGED_AT, tookMs: 2, facts: facts({ channels: "denied" }) },
    }),
    aVerdict({
      up: false,
      code: failure.code,
      observation: { reached: false, at: JUDGED_AT, tookMs: 2, failure },
    }),
    aVerdict({ up: false, draining: true, known: false, rules: [] }),
  ];
  for (const [i, verdict] of verdicts.entries()) {
    const snapshot = {
      name: "db 1",
      endpoint: endpoints[i % 3] as Endpoint,
      verdict,
      admin: "drain",
    } as const;
    test(`${verdict.code} ${i}`, () => expect(carried(snapshot)).toEqual(snapshot));
  }
});

test("a verdict that has grown stale stays a no", () => {
  const endpoint = { kind: "tcp", host: "db1", port: 3306 } as const;
  const now = JUDGED_AT + 4000;
  const { verdict } = carried({ name: "db1", endpoint, verdict: aVerdict(), admin: "none" }, now);
  expect(verdict).toMatchObject({ up: false, code: "STALE" });
  expect(verdict.staleAt).toBeLessThan(now);
});
