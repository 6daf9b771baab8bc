import { describe, expect, test } from "bun:test";
import { seededRandom as seeded } from "../../../test/support/seeded-random.ts";
import type { Balance } from "../../topology/routing-table.ts";
import type { Candidate } from "./balancer.ts";
import { createBalancer } from "./create-balancer.ts";

const ALL: readonly Balance[] = [
  "least-connections",
  "round-robin",
  "random",
  "two-choices",
  "source",
  "single",
];
const SPREADING = ALL.filter((balance) => balance !== "single");
const CONNECTIONS = 100_000;

interface Server extends Candidate {
  connections: number;
}

const servers = (...weights: readonly number[]): Server[] =>
  weights.map((weight, i) => ({ server: `db${i + 1}`, weight, connections: 0 }));

const client = (i: number): string => `10.${(i >> 16) & 255}.${(i >> 8) & 255}.${i & 255}`;

/** Which share of the sessions each server got; `lives` sessions are there at a time. */
function shares(balance: Balance, candidates: readonly Server[], lives: number): readonly number[] {
  const balancer = createBalancer(balance, seeded(7));
  const counts = new Map<string, number>();
  const open: Server[] = [];
  for (let i = 0; i < CONNECTIONS; i++) {
    const picked = balancer.pick(candidates, client(i));
    if (picked === undefined) throw new Error("nothing was picked");
    picked.connections++;
    counts.set(picked.server, (counts.get(picked.server) ?? 0) + 1);
    open.push(picked);
    const oldest = open.length > lives ? open.shift() : undefined;
    if (oldest !== undefined) oldest.connections--;
  }
  return candidates.map(({ server }) => (counts.get(server) ?? 0) / CONNECTIONS);
}

describe.each([...ALL])("%s", (balance) => {
  const balancer = () => createBalancer(balance, seeded(1));

  test("picks nothing where there is nothing, and the only one where there is one", () => {
    const policy = balancer();
    const [only] = servers(1);
    expect(policy.pick([], "10.0.0.1")).toBeUndefined();
    for (let i = 0; i < 10; i++) expect(policy.pick(only ? [only] : [], client(i))).toBe(only);
  });

  test("picks of what it is offered, whatever it picked before", () => {
    const policy = balancer();
    const all = servers(1, 2, 0.5, 8);
    const random = seeded(3);
    for (let i = 0; i < 2000; i++) {
      const offered = all.filter(() => random() < 0.6);
      const picked = policy.pick(offered, client(i));
      if (offered.length === 0) expect(picked).toBeUndefined();
      else expect(offered).toContain(picked as Server);
    }
  });

  test("picks one though others have sessions come and go at every moment", () => {
    const random = seeded(5);
    const restless = servers(1, 2, 5).map(({ server, weight }) => ({
      server,
      weight,
      get connections(): number {
        return Math.floor(random() * 10);
      },
    }));
    const policy = balancer();
    for (let i = 0; i < 2000; i++) expect(policy.pick(restless, client(i))).toBeDefined();
  });

  test("does not change the candidates", () => {
    const frozen = Object.freeze(servers(1, 2).map((server) => Object.freeze(server)));
    const policy = balancer();
    for (let i = 0; i < 100; i++) policy.pick(frozen, client(i));
    expect(frozen).toEqual(servers(1, 2));
  });
});

describe.each([...SPREADING])("%s spreads 100,000 sessions within 1 %% of the weights", (balance) => {
  // Of few sessions at a time, two choices lean towards the light servers: a session counts for more there.
  const lives = balance === "two-choices" ? [0, 64, 1000] : [0, 1, 2, 3, 8, 64, 1000];
  const cases = [
    [1, 1, 1],
    [1, 2, 5],
    [1, 2, 5, 0.5],
    [100, 50],
    [1, 1, 10],
  ].flatMap((weights) => lives.map((each) => [weights, each] as const));

  test.each(cases)("weights %j, %d and the new one at a time", (weights, each) => {
    const total = weights.reduce((sum, weight) => sum + weight, 0);
    for (const [i, share] of shares(balance, servers(...weights), each).entries())
      expect(Math.abs(share - (weights[i] ?? 0) / total)).toBeLessThan(0.01);
  });
});

test("least connections never gives a server more than one or two sessions above what is due to it", () => {
  const weights = [1, 2, 5, 0.5];
  const candidates = servers(...weights);
  const policy = createBalancer("least-connections", seeded(1));
  for (let count = 1; count <= 10_000; count++) {
    (policy.pick(candidates, client(count)) as Server).connections++;
    for (const { connections, weight } of candidates)
      expect(Math.abs(connections - (count * weight) / 8.5)).toBeLessThan(2);
  }
});

test("least connections makes good for a server that had fewer", () => {
  const [busy, fresh] = servers(1, 1) as [Server, Server];
  busy.connections = 50;
  const policy = createBalancer("least-connections", seeded(1));
  for (let i = 0; i < 50; i++) {
    const picked = policy.pick([busy, fresh], client(i)) as Server;
    expect(picked).toBe(fresh);
    picked.connections++;
  }
});

test("round robin mixes: the heavy server is not served in one go", () => {
  const policy = createBalancer("round-robin", seeded(1));
  const names = Array.from({ length: 8 }, () => policy.pick(servers(3, 1), "")?.server);
  expect(names).toEqual(["db1", "db1", "db2", "db1", "db1", "db1", "db2", "db1"]);
});

test("two choices hold the sessions of 10 servers closer together than chance", () => {
  const spread = (balance: Balance): number => {
    const candidates = servers(...Array.from({ length: 10 }, () => 1));
    const policy = createBalancer(balance, seeded(11));
    for (let i = 0; i < 10_000; i++) (policy.pick(candidates, client(i)) as Server).connections++;
    const counts = candidates.map(({ connections }) => connections);
    return Math.max(...counts) - Math.min(...counts);
  };
  expect(spread("two-choices")).toBeLessThan(spread("random") / 5);
});

describe("source", () => {
  const policy = createBalancer("source", seeded(1));
  const home = (candidates: readonly Server[], i: number) => policy.pick(candidates, client(i))?.server;

  test("a client keeps its server, whoever asks and in whatever order they stand", () => {
    const all = servers(1, 1, 1);
    const again = createBalancer("source", seeded(99));
    for (let i = 0; i < 1000; i++)
      expect(again.pick([...all].reverse(), client(i))?.server).toBe(home(all, i) as string);
  });

  test("a server that goes moves its own clients only, and they spread", () => {
    const all = servers(1, 1, 1, 1);
    const rest = all.slice(1);
    const moved = new Map<string, number>();
    for (let i = 0; i < 10_000; i++) {
      const before = home(all, i) as string;
      const after = home(rest, i) as string;
      if (before === "db1") moved.set(after, (moved.get(after) ?? 0) + 1);
      else expect(after).toBe(before);
    }
    expect([...moved.keys()].sort()).toEqual(["db2", "db3", "db4"]);
  });
});

describe("single", () => {
  test("sticks to the best until it is gone or a strictly heavier one is there", () => {
    const policy = createBalancer("single", seeded(1));
    const [one, two, heavy] = servers(1, 1, 2) as [Server, Server, Server];
    expect(policy.pick([one, two], "")).toBe(one);
    expect(policy.pick([two], "")).toBe(two);
    expect(policy.pick([one, two], "")).toBe(two);
    expect(policy.pick([one, two, heavy], "")).toBe(heavy);
    expect(policy.pick([one, two], "")).toBe(one);
  });
});
