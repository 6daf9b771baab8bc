import { describe, expect, test } from "bun:test";
import { STANDING_VERDICT } from "../../../test/support/standing-verdict.ts";
import { type ServerState, UNKNOWN_STATE } from "../../topology/state.ts";
import type { Verdict } from "../../topology/verdict.ts";
import {
  type Member,
  nextChangeAt,
  type RoutedRole,
  routeConnections,
  type ServiceRule,
} from "./route-connections.ts";

const NOW = 1_000_000;
const not = (code: string, sentence: string): Verdict => ({ ...STANDING_VERDICT, up: false, code, sentence });
const KILLED: Verdict = {
  ...not("PROBE_REFUSED", "connection refused"),
  observation: {
    reached: false,
    at: 0,
    tookMs: 1,
    failure: { code: "PROBE_REFUSED", detail: "", errno: undefined },
  },
};

function member(server: string, role: ServerState["role"], changes: Partial<Member> = {}): Member {
  return {
    server,
    endpoint: { kind: "tcp", host: server, port: 3306 },
    weight: 1,
    maxConnections: 0,
    proxyProtocol: "off",
    userTimeoutMs: 0,
    rank: "primary",
    verdict: STANDING_VERDICT,
    state: { ...UNKNOWN_STATE, liveness: "running", role, lagSeconds: 0 },
    admin: "none",
    drainingSince: undefined,
    ...changes,
  };
}

const behind = (server: string, lagSeconds: number | undefined): Member => {
  const replica = member(server, "replica");
  return { ...replica, state: { ...(replica.state ?? UNKNOWN_STATE), lagSeconds } };
};

function rule(roles: readonly RoutedRole[], changes: Partial<ServiceRule> = {}): ServiceRule {
  return {
    name: "read",
    roles,
    masterAcceptReads: true,
    maxLagSeconds: undefined,
    balance: "least-connections",
    top: false,
    onServerDown: "close",
    drainTimeoutMs: 0,
    limits: {
      maxConnections: 0,
      queueTimeoutMs: 0,
      connectTimeoutMs: 5000,
      idleTimeoutMs: 0,
      writeTimeoutMs: 0,
    },
    ...changes,
  };
}

function route(of: ServiceRule, members: readonly Member[], now = NOW) {
  const { targets, closing, refusal } = routeConnections(of, members, now);
  return {
    targets: targets.map(({ server }) => server),
    closing: closing.map(({ server }) => server),
    refusal,
  };
}

const FLEET = [member("db1", "primary"), member("db2", "replica"), member("db3", "relay")];

describe("roles", () => {
  test("master: the primary; sessions elsewhere end", () => {
    expect(route(rule(["master"]), FLEET)).toMatchObject({ targets: ["db1"], closing: ["db2", "db3"] });
  });

  test("slave: replicas and relays; the primary only where there is none, and if it may", () => {
    expect(route(rule(["slave"]), FLEET)).toMatchObject({ targets: ["db2", "db3"], closing: [] });
    const alone = FLEET.slice(0, 1);
    expect(route(rule(["slave"]), alone).targets).toEqual(["db1"]);
    expect(route(rule(["slave"], { masterAcceptReads: false }), alone).targets).toEqual([]);
  });

  test("running: all that run; master_accept_reads=false spares the primary", () => {
    expect(route(rule(["running"]), FLEET).targets).toEqual(["db1", "db2", "db3"]);
    expect(route(rule(["running"], { masterAcceptReads: false }), FLEET).targets).toEqual(["db2", "db3"]);
    expect(route(rule(["running", "master"], { masterAcceptReads: false }), FLEET).targets).toHaveLength(3);
  });

  test("synced: synced Galera nodes", () => {
    const node = member("g1", "replica");
    const synced = { ...node, state: { ...(node.state ?? UNKNOWN_STATE), galera: "synced" as const } };
    expect(route(rule(["synced"]), [synced, member("g2", "replica")]).targets).toEqual(["g1"]);
  });

  test("several roles are any of them", () => {
    expect(route(rule(["master", "slave"]), FLEET).targets).toEqual(["db1", "db2", "db3"]);
  });
});

describe("a server that may not be used", () => {
  const down = member("db2", "none", { verdict: KILLED });

  test("down: its sessions end, or are kept", () => {
    const members = [FLEET[0] as Member, down];
    expect(route(rule(["running"]), members)).toMatchObject({ targets: ["db1"], closing: ["db2"] });
    expect(route(rule(["running"], { onServerDown: "keep" }), members).closing).toEqual([]);
  });

  test("down by the monitor's word while the role is not judged yet", () => {
    const running = member("db2", "replica", { verdict: KILLED });
    expect(route(rule(["slave"]), [running]).targets).toEqual([]);
  });

  test("in maintenance: as if it were down", () => {
    const away = member("db2", "replica", { admin: "maintenance" });
    expect(route(rule(["slave"]), [away, FLEET[2] as Member])).toMatchObject({
      targets: ["db3"],
      closing: ["db2"],
    });
  });

  test("draining: no new sessions; the old ones end with drain_timeout", () => {
    const verdict = { ...not("DRAINING", "draining"), draining: true };
    const members = [
      member("db2", "replica", { admin: "drain", verdict, drainingSince: NOW - 5000 }),
      FLEET[2] as Member,
    ];
    expect(route(rule(["slave"]), members)).toMatchObject({ targets: ["db3"], closing: [] });
    const limited = rule(["slave"], { drainTimeoutMs: 10_000 });
    expect(route(limited, members).closing).toEqual([]);
    expect(nextChangeAt(limited, members, NOW)).toBe(NOW + 5000);
    expect(route(limited, members, NOW + 5000).closing).toEqual(["db2"]);
    expect(nextChangeAt(limited, members, NOW + 5000)).toBeUndefined();
  });

  test("draining and dead: it is down", () => {
    const verdict = { ...KILLED, draining: true };
    expect(route(rule(["slave"]), [member("db2", "none", { admin: "drain", verdict })]).closing).toEqual([
      "db2",
    ]);
  });

  test("weight 0: no new sessions, and the old ones go on", () => {
    const members = [member("db1", "primary", { weight: 0 }), FLEET[1] as Member];
    expect(route(rule(["running"]), members)).toMatchObject({ targets: ["db2"], closing: [] });
  });

  test("a verdict that drains, be it a watchdog's or the server's own word: the same", () => {
    const verdict = { ...not("WATCHDOG_AVOID", "avoid it"), draining: true };
    const members = [member("db1", "none", { verdict }), FLEET[1] as Member];
    expect(route(rule(["running"]), members)).toMatchObject({ targets: ["db2"], closing: [] });
  });

  test("never probed: nothing yet, and nothing is closed", () => {
    const members = [member("db1", "none", { verdict: undefined, state: undefined })];
    expect(route(rule(["running"]), members)).toEqual({
      targets: [],
      closing: [],
      refusal: "service read has no server to use: db1 has not been probed yet",
    });
  });
});

describe("soft reasons", () => {
  const slow = member("db3", "replica", { verdict: not("REPLICA_LAGGING", "the replica is 90 s behind") });

  test("a replica behind the limit is left out, unknown lag is behind", () => {
    const limited = rule(["slave"], { maxLagSeconds: 10 });
    const members = [behind("db1", 10), behind("db2", 11), behind("db3", undefined)];
    expect(route(limited, members)).toMatchObject({ targets: ["db1"], closing: [] });
  });

  test("the last server is never taken out for one", () => {
    const limited = rule(["slave"], { maxLagSeconds: 10 });
    expect(route(limited, [behind("db2", 90), slow]).targets).toEqual(["db2", "db3"]);
    expect(route(limited, [behind("db2", 0), slow]).targets).toEqual(["db2"]);
    expect(route(limited, [behind("db2", 90), member("db3", "none", { verdict: KILLED })]).targets).toEqual([
      "db2",
    ]);
  });
});

describe("among those that may", () => {
  test("rank secondary only without the others", () => {
    const spare = member("db9", "replica", { rank: "secondary" });
    expect(route(rule(["slave"]), [spare, ...FLEET]).targets).toEqual(["db2", "db3"]);
    expect(route(rule(["slave"], { masterAcceptReads: false }), [spare]).targets).toEqual(["db9"]);
  });

  test("top: those of the highest weight", () => {
    const members = [
      member("a", "replica", { weight: 2 }),
      member("b", "replica"),
      member("c", "replica", { weight: 2 }),
    ];
    expect(route(rule(["slave"], { top: true }), members).targets).toEqual(["a", "c"]);
  });
});

test("a client is told why each server is out", () => {
  const members = [
    member("db1", "none", { verdict: KILLED }),
    member("db2", "replica", { admin: "maintenance" }),
  ];
  expect(route(rule(["master"]), members).refusal).toBe(
    "service read has no server to use: db1 is down (connection refused), db2 is in maintenance",
  );
  expect(route(rule(["master"]), []).refusal).toBe("service read has no servers");
});

test("a route is plain data", () => {
  const made = routeConnections(rule(["running"]), FLEET, NOW);
  expect(JSON.parse(JSON.stringify(made))).toEqual(made);
  expect(made.targets[0]).not.toHaveProperty("verdict");
});
