import { describe, expect, test } from "bun:test";
import { facts, galera, galeraFacts } from "../../test/support/facts.ts";
import type { ServerFacts } from "../topology/facts.ts";
import type { ServerSnapshot } from "../topology/fleet.ts";
import type { Observation } from "../topology/observation.ts";
import type { AdminState, ProfileName } from "../topology/verdict.ts";
import { initialState, judge } from "../verdict/judge.ts";
import { DEFAULT_POLICY, type Policy } from "../verdict/policy.ts";
import { rejudge } from "./rejudge.ts";

const NOW = 1_000_000;
const policy = (changes: Partial<Policy>): Policy => ({ ...DEFAULT_POLICY, staleAfterMs: 3000, ...changes });
const seen = (found: ServerFacts): Observation => ({ reached: true, at: NOW, tookMs: 1, facts: found });

/** What an agent with this policy tells of a server. */
function told(
  observation: Observation,
  ofAgent: Partial<Policy> = {},
  admin: AdminState = "none",
): ServerSnapshot {
  const overlay = { admin, offSwitch: undefined };
  const state = judge(initialState(policy(ofAgent), NOW), observation, overlay, policy(ofAgent), NOW);
  return { name: "db1", endpoint: { kind: "tcp", host: "db1", port: 3306 }, verdict: state.verdict, admin };
}

const codeOf = (snapshot: ServerSnapshot, wanted: Partial<Policy>): string | undefined =>
  rejudge(snapshot, policy(wanted))?.code;

describe("rejudge", () => {
  const donor = told(seen(galeraFacts({ localState: 2, localStateComment: "Donor/Desynced" })));

  test("a donor, by each policy", () => {
    expect(donor.verdict.code).toBe("GALERA_DONOR");
    expect(codeOf(donor, { profile: "galera", availableWhenDonor: "never" })).toBe("GALERA_DONOR");
    expect(codeOf(donor, { profile: "galera", availableWhenDonor: "always" })).toBe("GALERA_DONOR_ACCEPTED");
  });

  test("keeps age, deadline and history", () => {
    const { since, at, staleAt } = donor.verdict;
    expect(rejudge(donor, policy({ availableWhenDonor: "always" }))).toMatchObject({
      since,
      at,
      staleAt,
      up: true,
    });
  });

  test("what a person has set stays", () => {
    const synced = seen(galeraFacts());
    expect(codeOf(told(synced, {}, "maintenance"), { profile: "galera" })).toBe("MAINTENANCE");
    expect(codeOf(told(synced, {}, "drain"), { profile: "galera" })).toBe("DRAINING");
    const off = told(synced);
    const verdict = { ...off.verdict, up: false, code: "OFF_SWITCH" };
    expect(codeOf({ ...off, verdict }, { profile: "galera" })).toBe("OFF_SWITCH");
  });

  test("a failure is a failure by any policy; an up that the agent only remembers is nothing to judge by", () => {
    const failure = { code: "PROBE_REFUSED", detail: "refused", errno: undefined } as const;
    const refused = told({ reached: false, at: NOW, tookMs: 1, failure });
    expect(codeOf(refused, { profile: "galera" })).toBe("PROBE_REFUSED");
    const kept = { ...refused, verdict: { ...refused.verdict, up: true } };
    expect(codeOf(kept, { profile: "galera" })).toBeUndefined();
    expect(
      codeOf({ ...refused, verdict: { ...refused.verdict, observation: undefined } }, {}),
    ).toBeUndefined();
  });

  const others: [
    ofAgent: ProfileName | "auto",
    found: ServerFacts,
    wanted: Policy["profile"],
    code: string | undefined,
  ][] = [
    ["auto", galeraFacts(), "galera", "GALERA_SYNCED"],
    ["auto", galeraFacts(), "standalone", "STANDALONE_HEALTHY"],
    ["auto", galeraFacts(), "replica", undefined],
    ["auto", galeraFacts(), "connector", undefined],
    ["auto", facts(), "galera", "GALERA_OFF"],
    ["auto", facts(), "auto", "STANDALONE_HEALTHY"],
    ["auto", facts(), "replica", "REPLICA_NOT_REPLICATING"],
    // The agent asked for a login and a query only: it does not know whether the node is in its component.
    [
      "standalone",
      facts({ galera: galera({ clusterStatus: "" }), channels: "not-asked" }),
      "galera",
      undefined,
    ],
    ["standalone", facts({ channels: "not-asked" }), "auto", undefined],
    ["connector", facts({ flavour: "proxy", channels: "not-asked" }), "connector", "CONNECTOR_HEALTHY"],
    ["connector", facts({ flavour: "proxy", channels: "not-asked" }), "standalone", undefined],
  ];
  for (const [ofAgent, found, wanted, code] of others) {
    const kind = found.galera?.wsrepOn ? "a Galera node" : `a ${found.flavour} server`;
    test(`${kind} seen by an agent of profile ${ofAgent}, asked as ${wanted}: ${code ?? "cannot tell"}`, () => {
      expect(codeOf(told(seen(found), { profile: ofAgent }), { profile: wanted })).toBe(code);
    });
  }
});
