import { expect, test } from "bun:test";
import { channel } from "../../../test/support/facts.ts";
import { aVerdict, aVerdictWith, FakeFleet, JUDGED_AT } from "../../../test/support/fake-fleet.ts";
import type { Verdict } from "../../topology/verdict.ts";
import { statusDocument } from "./status-document.ts";

function documentOf(verdict: Verdict, now: number) {
  const server = new FakeFleet({ db1: verdict }).current().servers.get("db1");
  if (server === undefined) throw new Error("the fleet lacks db1");
  return statusDocument(server, now);
}

test("the names of /status, which others rely on", () => {
  const channels = [channel({ lagSeconds: undefined, ioError: { errno: 2003, message: "no route" } })];
  expect(documentOf(aVerdictWith({ channels }), JUDGED_AT + 500)).toEqual({
    server: "db1",
    address: "10.0.0.1:3306",
    up: true,
    draining: false,
    admin_state: "none",
    role: "synced",
    profile: "galera",
    code: "GALERA_SYNCED",
    sentence: "the Galera node is synced",
    known: true,
    stale: false,
    since: "2026-01-02T03:03:05.000Z",
    since_seconds: 61,
    judged_at: "2026-01-02T03:04:05.000Z",
    age_ms: 500,
    stale_in_ms: 2500,
    observation: {
      reached: true,
      at: "2026-01-02T03:04:05.000Z",
      age_ms: 500,
      took_ms: 2,
      facts: {
        flavour: "mariadb",
        version: "10.11.19-MariaDB",
        hostname: "db1",
        server_id: 1,
        uptime_seconds: 100,
        read_only: { read_only: false, super_read_only: false, innodb_read_only: false, offline_mode: false },
        galera: null,
        channels: [
          {
            name: "",
            source_host: "10.0.0.9",
            source_port: 3306,
            source_server_id: 9,
            io_running: "Yes",
            sql_running: "Yes",
            lag_seconds: null,
            io_error: { errno: 2003, message: "no route" },
            sql_error: null,
            using_gtid: "Slave_Pos",
            gtid_io_pos: "0-9-1",
            delay_seconds: 0,
          },
        ],
        gtid: { current_pos: "", binlog_pos: "", slave_pos: "", domain_id: 0, executed: null },
        rows: 1,
      },
      failure: null,
    },
    rules: [{ rule: "wsrep_local_state", saw: "wsrep_local_state = 4 (Synced)", outcome: "decides" }],
  });
});

test("a failed probe has its failure, and no facts", () => {
  const failure = {
    code: "PROBE_REFUSED",
    detail: "connection refused by 10.0.0.1:3306",
    errno: undefined,
  } as const;
  const verdict = aVerdict({ up: false, observation: { reached: false, at: JUDGED_AT, tookMs: 1, failure } });
  expect(documentOf(verdict, JUDGED_AT).observation).toEqual({
    reached: false,
    at: "2026-01-02T03:04:05.000Z",
    age_ms: 0,
    took_ms: 1,
    facts: null,
    failure: { code: "PROBE_REFUSED", detail: "connection refused by 10.0.0.1:3306", errno: null },
  });
});

test("a stale one is a no, and ages are never negative", () => {
  expect(documentOf(aVerdict(), JUDGED_AT + 5000)).toMatchObject({
    up: false,
    code: "STALE",
    stale: true,
    stale_in_ms: 0,
  });
  expect(documentOf(aVerdict(), JUDGED_AT - 5000)).toMatchObject({ up: true, stale: false, age_ms: 0 });
});

test("what has not been probed does not grow stale", () => {
  const starting = aVerdict({ up: false, known: false, code: "STARTING", staleAt: Number.POSITIVE_INFINITY });
  expect(documentOf(starting, JUDGED_AT)).toMatchObject({ known: false, stale: false, stale_in_ms: null });
});
