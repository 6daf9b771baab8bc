import { expect, test } from "bun:test";
import { STANDING_VERDICT } from "../../../test/support/standing-verdict.ts";
import { bareFacts } from "../../probe/bare-facts.ts";
import type { ServiceRule } from "../../proxy/router/route-connections.ts";
import type { FleetSnapshot } from "../../topology/fleet.ts";
import { UNKNOWN_STATE } from "../../topology/state.ts";
import type { AdminState } from "../../topology/verdict.ts";
import { type FleetKnowledge, RouteTable } from "./route-table.ts";
import type { ServicePlan } from "./service-plan.ts";

const endpoint = (host: string) => ({ kind: "tcp", host, port: 3306 }) as const;

function plan(name: string, drainTimeoutMs = 0): ServicePlan {
  const limits = {
    maxConnections: 0,
    queueTimeoutMs: 0,
    connectTimeoutMs: 1,
    idleTimeoutMs: 0,
    writeTimeoutMs: 0,
  };
  const rule: ServiceRule = {
    name,
    roles: ["running"],
    masterAcceptReads: true,
    maxLagSeconds: undefined,
    balance: "least-connections",
    top: false,
    onServerDown: "close",
    drainTimeoutMs,
    limits,
  };
  const server = (name: string) =>
    ({
      server: name,
      endpoint: endpoint(name),
      weight: 1,
      maxConnections: 0,
      proxyProtocol: "off",
      userTimeoutMs: 0,
      rank: "primary",
      poolMax: 0,
      poolMaxTimeMs: 0,
    }) as const;
  return {
    router: "readconnroute",
    rule,
    servers: [server("db1"), server("db2")],
    latencySamples: 0,
    kernel: undefined,
  };
}

function fleet(admins: Readonly<Record<string, AdminState>>, at = 0): FleetKnowledge {
  const servers: FleetSnapshot["servers"] = new Map(
    Object.entries(admins).map(([name, admin]) => [
      name,
      { name, endpoint: endpoint(name), verdict: { ...STANDING_VERDICT, at, up: admin === "none" }, admin },
    ]),
  );
  return { snapshot: { version: at, servers }, stateOf: () => ({ ...UNKNOWN_STATE, liveness: "running" }) };
}

test("a new table only where something differs, and only what differs is told", () => {
  const table = new RouteTable(() => {});
  const plans = [plan("a"), plan("b")];
  expect(table.update(plans, fleet({ db1: "none", db2: "none" }), 0).changed).toHaveLength(2);
  expect(table.current.version).toBe(1);
  expect(table.update(plans, fleet({ db1: "none", db2: "none" }, 500), 500).changed).toEqual([]);
  expect(table.current.version).toBe(1);
  const changed = table.update(
    [plans[0] as ServicePlan, plan("b", 9)],
    fleet({ db1: "none", db2: "drain" }),
    900,
  ).changed;
  expect(changed.map(({ name }) => name)).toEqual(["a", "b"]);
  expect(table.current.services[0]?.targets.map(({ server }) => server)).toEqual(["db1"]);
});

test("a drain ends its sessions when its time is over, counted from when it began", () => {
  const table = new RouteTable(() => {});
  const plans = [plan("a", 10_000)];
  const draining = fleet({ db1: "none", db2: "drain" });
  expect(table.update(plans, draining, 1000).nextAt).toBe(11_000);
  expect(table.update(plans, draining, 5000).nextAt).toBe(11_000);
  expect(table.update(plans, draining, 11_000).nextAt).toBeUndefined();
  expect(table.current.services[0]?.closing.map(({ server }) => server)).toEqual(["db2"]);
  table.update(plans, fleet({ db1: "none", db2: "none" }), 12_000);
  expect(table.update(plans, draining, 13_000).nextAt).toBe(23_000);
});

test("latency_samples: weights follow the probes of servers that are up", () => {
  const table = new RouteTable(() => {});
  const plans = [{ ...plan("a"), latencySamples: 2 }];
  const known = fleet({ db1: "none", db2: "none" });
  const took = { db1: 1, db2: 4 };
  const servers: FleetSnapshot["servers"] = new Map(
    [...known.snapshot.servers].map(([name, server]) => {
      const tookMs = took[name as keyof typeof took];
      const observation = { reached: true, at: 1, tookMs, facts: bareFacts() } as const;
      return [name, { ...server, verdict: { ...server.verdict, observation } }];
    }),
  );
  table.update(plans, { ...known, snapshot: { version: 1, servers } }, 0);
  expect(table.current.services[0]?.targets.map(({ weight }) => weight)).toEqual([4, 1]);
});
