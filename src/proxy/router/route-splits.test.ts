import { describe, expect, test } from "bun:test";
import { SPLIT_RULES } from "../../../test/support/split-rig.ts";
import { STANDING_VERDICT } from "../../../test/support/standing-verdict.ts";
import type { ServerState } from "../../topology/state.ts";
import { UNKNOWN_STATE } from "../../topology/state.ts";
import type { Verdict } from "../../topology/verdict.ts";
import { routeSplit, type SplitMember, type SplitRule } from "./route-splits.ts";

const { maxReplicas: _most, ...rules } = SPLIT_RULES;
const RULE: SplitRule = {
  name: "app",
  masterAcceptReads: false,
  maxLagSeconds: undefined,
  limits: { maxConnections: 0, queueTimeoutMs: 0, connectTimeoutMs: 1, idleTimeoutMs: 0, writeTimeoutMs: 0 },
  rules,
  maxReplicas: { count: 255 },
};

interface Kind extends Partial<Omit<SplitMember, "state" | "verdict">> {
  readonly state?: Partial<ServerState>;
  readonly verdict?: Partial<Verdict>;
}

function member(
  server: string,
  role: ServerState["role"],
  { state, verdict, ...more }: Kind = {},
): SplitMember {
  return {
    server,
    endpoint: { kind: "tcp", host: server, port: 3306 },
    weight: 1,
    maxConnections: 0,
    proxyProtocol: "off",
    userTimeoutMs: 0,
    rank: "primary",
    admin: "none",
    drainingSince: undefined,
    poolMax: 0,
    poolMaxTimeMs: 0,
    ...more,
    state: { ...UNKNOWN_STATE, liveness: "running", role, ...state },
    verdict: { ...STANDING_VERDICT, ...verdict },
  };
}
const primary = (more: Kind = {}): SplitMember => member("p", "primary", more);
const replica = (name: string, more: Kind = {}): SplitMember => member(name, "replica", more);
const DOWN: Kind = { state: { liveness: "down", role: "none" }, verdict: { up: false, sentence: "refused" } };

const route = (members: readonly SplitMember[], rule: Partial<SplitRule> = {}) =>
  routeSplit({ ...RULE, ...rule }, members);
const summary = (members: readonly SplitMember[], rule: Partial<SplitRule> = {}): string => {
  const { primary: writes, readers, closing } = route(members, rule);
  return `${writes ?? "-"} / ${readers.join() || "-"} / ${closing.map(({ server }) => server).join() || "-"}`;
};

describe("primary / readers / closing", () => {
  test.each<[string, string, readonly SplitMember[], Partial<SplitRule>?]>([
    ["replicas read", "p / a,b / -", [primary(), replica("a"), replica("b")]],
    ["the primary too", "p / a,p / -", [primary(), replica("a")], { masterAcceptReads: true }],
    ["no replica: the primary reads", "p / p / -", [primary()]],
    ["a replica that is down", "p / b / a", [primary(), { ...replica("a", DOWN) }, replica("b")]],
    ["in maintenance", "p / p / a", [primary(), replica("a", { admin: "maintenance" })]],
    ["draining", "p / b / -", [primary(), replica("a", { admin: "drain" }), replica("b")]],
    ["a draining primary gets no readers", "p / - / -", [primary({ admin: "drain" })]],
    ["weight 0", "p / b / -", [primary({ weight: 0 }), replica("a", { weight: 0 }), replica("b")]],
    ["second rank", "p / b / -", [primary(), replica("a", { rank: "secondary" }), replica("b")]],
    ["only second rank", "p / a / -", [primary(), replica("a", { rank: "secondary" })]],
    ["no primary: replicas go on reading", "- / a / p", [{ ...primary(DOWN) }, replica("a")]],
    [
      "cut off from a dead primary, they still read",
      "- / a / p",
      [
        { ...primary(DOWN) },
        replica("a", { state: { staleReplica: true }, verdict: { up: false, code: "REPLICA_BROKEN" } }),
      ],
    ],
    [
      "cut off while there is a primary: it reads itself",
      "p / p / -",
      [
        primary(),
        replica("a", { state: { staleReplica: true }, verdict: { up: false, code: "REPLICA_BROKEN" } }),
      ],
    ],
    [
      "too far behind",
      "p / b / -",
      [primary(), replica("a", { state: { lagSeconds: 9 } }), replica("b", { state: { lagSeconds: 1 } })],
      { maxLagSeconds: 5 },
    ],
    [
      "all too far behind",
      "p / p / -",
      [primary(), replica("a", { state: { lagSeconds: 9 } })],
      { maxLagSeconds: 5 },
    ],
    [
      "Galera",
      "p / a / -",
      [
        member("p", "primary", { state: { galera: "synced" } }),
        member("a", "none", { state: { galera: "synced" } }),
      ],
    ],
    ["nobody knows yet", "- / - / -", [member("a", "none", { verdict: { known: false } })]],
  ])("%s", (_name, expected, members, rule = {}) => {
    expect(summary(members, rule)).toBe(expected);
  });
});

test("the refusal says why", () => {
  const { refusal } = route([{ ...primary(DOWN) }, replica("a", { admin: "drain" })]);
  expect(refusal).toBe("service app has no primary: p is down (refused), a is draining");
});

test("a share of the replicas, at least one", () => {
  const members = [primary(), replica("a"), replica("b"), replica("c")];
  const most = (percent: number): number => route(members, { maxReplicas: { percent } }).rules.maxReplicas;
  expect([100, 67, 50, 1].map(most)).toEqual([3, 2, 1, 1]);
});

test("lag is told only where it decides, so that the table does not change with every probe", () => {
  const members = [primary(), replica("a", { state: { lagSeconds: 3 } })];
  expect(route(members).servers[1]?.lagSeconds).toBeUndefined();
  expect(route(members, { rules: { ...rules, criterion: "lag" } }).servers[1]?.lagSeconds).toBe(3);
});
