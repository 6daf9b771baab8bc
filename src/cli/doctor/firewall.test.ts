import { describe, expect, test } from "bun:test";
import { judgeIptables } from "./iptables.ts";
import { judgeNft } from "./nft.ts";

describe("iptables -S INPUT", () => {
  test.each([
    ["-P INPUT ACCEPT", "ok"],
    ["-P INPUT DROP", "warning"],
    ["-P INPUT DROP\n-A INPUT -p tcp -m tcp --dport 9200 -j ACCEPT", "ok"],
    ["-P INPUT DROP\n-A INPUT -s 10.0.0.0/8 -p tcp -m tcp --dport 9200 -j ACCEPT", "ok"],
    ["-P INPUT DROP\n-A INPUT -p tcp -m multiport --dports 22,9100:9300 -j ACCEPT", "ok"],
    ["-P INPUT DROP\n-A INPUT -p tcp -m multiport --dports 22,9100:9199 -j ACCEPT", "warning"],
    ["-P INPUT DROP\n-A INPUT -p tcp -m tcp --dport 22 -j ACCEPT", "warning"],
    [
      "-P INPUT ACCEPT\n-A INPUT -p tcp -m tcp --dport 22 -j ACCEPT\n-A INPUT -j REJECT --reject-with icmp-host-prohibited",
      "warning",
    ],
    ["-P INPUT ACCEPT\n-A INPUT -p tcp -m tcp --dport 9200 -j DROP", "warning"],
    ["-P INPUT DROP\n-A INPUT -j ACCEPT", "ok"],
  ])("%s", (rules, severity) => {
    expect(judgeIptables(rules, 9200).severity).toBe(severity as "ok");
  });

  test("quotes the rule that decides", () => {
    const rule = "-A INPUT -p tcp -m tcp --dport 9200 -j REJECT --reject-with icmp-port-unreachable";
    expect(judgeIptables(`-P INPUT ACCEPT\n${rule}`, 9200)).toEqual({
      subject: "firewall",
      severity: "warning",
      sentence: `iptables turns port 9200 away: ${rule}`,
      remedy: "let TCP port 9200 in from the balancers",
    });
  });
});

describe("nft -j list ruleset", () => {
  const table = { family: "inet", table: "fw" };
  const dport = (right: unknown) => ({
    match: { op: "==", left: { payload: { protocol: "tcp", field: "dport" } }, right },
  });
  const saddr = {
    match: { op: "!=", left: { payload: { protocol: "ip", field: "saddr" } }, right: "10.0.0.1" },
  };
  const counter = { counter: { packets: 0, bytes: 0 } };
  const accept = { accept: null };
  const drop = { drop: null };
  const reject = { reject: { type: "icmp", expr: "port-unreachable" } };
  const sets = [{ set: { ...table, name: "open", elem: [22, { range: [9000, 9300] }] } }];

  /** What is said of an input chain with this policy and these rules; `rules` of another chain may be jumped to. */
  function severity(policy: string, rules: readonly (readonly object[])[], chain = "in"): string {
    const objects = [
      { metainfo: { version: "1.0.6" } },
      { chain: { ...table, name: "in", type: "filter", hook: "input", prio: 0, policy } },
      ...sets,
      ...rules.map((expr) => ({ rule: { ...table, chain, expr } })),
    ];
    return judgeNft(JSON.stringify({ nftables: objects }), 9200).severity;
  }

  test.each([
    ["accept", [], "ok"],
    ["drop", [], "warning"],
    ["drop", [[dport(22), accept]], "warning"],
    ["drop", [[dport(9200), counter, accept]], "ok"],
    ["drop", [[dport({ set: [22, { range: [9100, 9200] }] }), accept]], "ok"],
    ["drop", [[dport({ set: [{ elem: { val: 9200, comment: "checks" } }] }), accept]], "ok"],
    ["drop", [[dport("@open"), accept]], "ok"],
    ["drop", [[dport("@gone"), accept]], "warning"],
    [
      "accept",
      [
        [dport(22), accept],
        [counter, { log: null }, reject],
      ],
      "warning",
    ],
    ["accept", [[dport(9200), drop]], "warning"],
    [
      "accept",
      [
        [dport(9200), accept],
        [dport(9200), drop],
      ],
      "ok",
    ],
    ["accept", [[saddr, dport(9200), drop]], "ok"],
  ])("policy %s, rules %j", (policy, rules, expected) => {
    expect(severity(policy, rules)).toBe(expected);
  });

  test("rules of a chain that is jumped to count, its last word does not", () => {
    expect(severity("drop", [[dport(9200), accept]], "tcp-in")).toBe("ok");
    expect(severity("accept", [[drop]], "tcp-in")).toBe("ok");
  });

  test("without rules, with those of iptables only, and with what is no JSON", () => {
    expect(judgeNft('{"nftables": []}', 9200).severity).toBe("ok");
    const ofIptables = {
      chain: { family: "ip", table: "filter", name: "INPUT", hook: "input", policy: "drop" },
    };
    expect(judgeNft(JSON.stringify({ nftables: [ofIptables] }), 9200).severity).toBe("ok");
    expect(judgeNft("table inet fw {", 9200).severity).toBe("skipped");
  });
});
