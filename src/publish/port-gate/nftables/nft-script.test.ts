import { describe, expect, test } from "bun:test";
import { rulesOf } from "../../../system/firewall/nft-rules.ts";
import type { GatePlan } from "../gate-plan.ts";
import { isOpenIn } from "./nft-listing.ts";
import { close, layDown, open, removeTable } from "./nft-script.ts";

const PLAN: GatePlan = { mirrorPort: 3308, realPort: 3306, sources: "all", protectExcept: undefined };
const rules = (plan: Partial<GatePlan>): readonly string[] =>
  layDown({ ...PLAN, ...plan })
    .split("\n")
    .filter((line) => line.startsWith("add rule "))
    .map((line) => line.replace("add rule inet sluice_gate_3308 ", ""));

describe("the table of a gate", () => {
  test("leads remote and local clients of a port in the set to the real port", () => {
    expect(rules({})).toEqual([
      "remote fib daddr type local tcp dport @open dnat to :3306",
      'local oifname "lo" tcp dport @open dnat to :3306',
    ]);
  });

  test("is never deleted, and its set never emptied, while it is made right", () => {
    expect(layDown(PLAN)).not.toContain("delete");
    expect(layDown(PLAN)).not.toContain("element");
  });

  test("has a rule for each source, of its own family", () => {
    expect(rules({ sources: ["10.0.0.0/8", "fd00::1"] }).slice(0, 2)).toEqual([
      "remote ip saddr 10.0.0.0/8 fib daddr type local tcp dport @open dnat to :3306",
      "remote ip6 saddr fd00::1 fib daddr type local tcp dport @open dnat to :3306",
    ]);
  });

  test("protects the real port, but from gated traffic, this host and the peers", () => {
    expect(
      rules({ protectExcept: ["10.0.0.2", "fd00::/64"] }).filter((rule) => rule.startsWith("real_port")),
    ).toEqual([
      "real_port tcp dport != 3306 accept",
      "real_port meta l4proto tcp ct status dnat ct original proto-dst 3308 accept",
      'real_port iifname "lo" accept',
      "real_port ip saddr 10.0.0.2 accept",
      "real_port ip6 saddr fd00::/64 accept",
      "real_port tcp dport 3306 ct state new reject with tcp reset",
    ]);
  });
});

test("an opening is renewed by taking the port out and in again; closing takes it out", () => {
  const out = [
    "add element inet sluice_gate_3308 open { 3308 }",
    "delete element inet sluice_gate_3308 open { 3308 }",
  ];
  expect(close(PLAN)).toBe(`${out.join("\n")}\n`);
  expect(open(PLAN, 2500.2)).toBe(
    `${out.join("\n")}\nadd element inet sluice_gate_3308 open { 3308 timeout 2501ms }\n`,
  );
  expect(removeTable(PLAN)).toBe("add table inet sluice_gate_3308\ndelete table inet sluice_gate_3308\n");
});

test("a listing: open or not, and the rules without what changes by itself", () => {
  const listing = (elements: string): string => `table inet sluice_gate_3308 {
\tset open {
\t\ttype inet_service
\t\tflags timeout
${elements}\t}

\tchain local {
\t\toifname "lo" tcp dport @open dnat to :3306
\t}
}
`;
  const opened = listing("\t\telements = { 3308 timeout 2s500ms expires 1s992ms }\n");
  expect(isOpenIn(opened, 3308)).toBe(true);
  expect(isOpenIn(opened, 3309)).toBe(false);
  expect(isOpenIn(listing(""), 3308)).toBe(false);
  expect(rulesOf(opened)).toBe(rulesOf(listing("")));
  expect(rulesOf(opened.replace("3306", "3307"))).not.toBe(rulesOf(opened));
});
