import { expect, test } from "bun:test";
import { galeraFacts } from "../../test/support/facts.ts";
import type { ServerSnapshot } from "../topology/fleet.ts";
import type { Observation } from "../topology/observation.ts";
import { explanation } from "./explanation.ts";
import { initialState, judge, NO_OVERLAY } from "./judge.ts";
import { DEFAULT_POLICY } from "./policy.ts";

const AT = Date.UTC(2026, 0, 2, 3, 4, 5);
const POLICY = { ...DEFAULT_POLICY, staleAfterMs: 3000 };

function snapshot(observation: Observation | undefined): ServerSnapshot {
  const first = initialState(POLICY, AT);
  const { verdict } = observation === undefined ? first : judge(first, observation, NO_OVERLAY, POLICY, AT);
  return { name: "db1", endpoint: { kind: "tcp", host: "10.0.0.1", port: 3306 }, verdict, admin: "none" };
}

test("a donor: what was seen, and the rule that decided", () => {
  const facts = galeraFacts({ localState: 2, localStateComment: "Donor/Desynced" });
  const text = explanation(snapshot({ reached: true, at: AT, tookMs: 1.23, facts }), AT + 400);
  expect(text).toBe(`db1 (10.0.0.1:3306) is down: the node is donor or desynced

code         GALERA_DONOR
role         donor
profile      galera
since        0.4 s (2026-01-02T03:04:05.000Z)
judged       0.4 s ago, believed for 2.6 s more
by a person  nothing
what to do   Wait until it is synced; or set available_when_donor; or SET GLOBAL wsrep_desync=OFF.

Seen:
  version                    10.11.19-MariaDB (mariadb)
  hostname                   db1
  uptime                     100 s
  read-only                  no
  wsrep_cluster_status       Primary, 3 nodes
  wsrep_local_state          2 (Donor/Desynced)
  wsrep_ready                ON
  wsrep_reject_queries       NONE
  wsrep_desync               OFF
  wsrep_local_recv_queue     0
  wsrep_flow_control_paused  0
  wsrep_sst_method           rsync
  wsrep_node_name            db1
  took                       1.2 ms

Rules, in order; the first that decides ends it:
  ok  1. connect and log in: answered in 1.2 ms, version 10.11.19-MariaDB
  ok  2. wsrep_on: wsrep_on = ON
  ok  3. primary component: wsrep_cluster_status = Primary, cluster size 3
  ok  4. ready: wsrep_ready = ON
  ok  5. PXC maintenance mode: no pxc_maint_mode on this server
  ok  6. rejected queries: wsrep_reject_queries = NONE
  =>  7. local state: wsrep_local_state = 2 (Donor/Desynced), available_when_donor = never, wsrep_sst_method = rsync
      8. read-only: not reached
      9. receive queue: not reached
     10. verdict: not reached
`);
});

test("a server that refuses, long ago", () => {
  const failure = {
    code: "PROBE_REFUSED",
    detail: "connection refused by 10.0.0.1:3306",
    errno: undefined,
  } as const;
  const text = explanation(snapshot({ reached: false, at: AT, tookMs: 0.5, failure }), AT + 3 * 3_600_000);
  expect(text).toContain("code         STALE\n");
  expect(text).toContain("judged       3 h ago, stale for 3 h\n");
  expect(text).toContain(
    "  failure  PROBE_REFUSED: connection refused by 10.0.0.1:3306\n  took     0.5 ms\n",
  );
  expect(text).toEndWith("  =>  1. connect and log in: connection refused by 10.0.0.1:3306\n");
});

test("before the first probe has ended", () => {
  const text = explanation(snapshot(undefined), AT + 1000);
  expect(text).toContain("judged       not yet\n");
  expect(text).toContain("  nothing  no probe has ended yet\n");
});
