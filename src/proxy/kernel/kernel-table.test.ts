import { describe, expect, test } from "bun:test";
import type { KernelService, KernelTarget } from "./kernel-service.ts";
import { activate, prepare, removeTable, renew } from "./kernel-table.ts";
import { activeSide, ledConnections, openPorts, withoutSide } from "./table-listing.ts";

const target = (n: number, weight = 1): KernelTarget => ({
  server: `db${n}`,
  address: `10.0.0.${n}`,
  port: 3306,
  weight,
});
const target6 = (n: number): KernelTarget => ({ ...target(n), server: `six${n}`, address: `fd00::${n}` });

const SERVICE: KernelService = {
  name: "read",
  balance: "round-robin",
  listeners: [{ address: "::", port: 4008 }],
  targets: [target(1), target(2)],
  masquerade: true,
  ttlMs: 0,
};

/** The rules of one chain. */
function rules(chain: string, service: Partial<KernelService>, routesLoopback = false): readonly string[] {
  const head = `add rule inet sluice_balance ${chain} `;
  const services = [{ ...SERVICE, ...service }];
  return (prepare(services, "a") + activate(services, "a", { routesLoopback }))
    .split("\n")
    .filter((line) => line.startsWith(head))
    .map((line) => line.slice(head.length));
}

const FIRST = "tcp dport @open tcp flags & (fin | syn | rst | ack) == syn";
const V4 = `meta nfproto ipv4 tcp dport 4008 ${FIRST}`;

describe("who gets a new connection", () => {
  test.each<[string, Partial<KernelService>, string]>([
    ["round robin", {}, "dnat ip to numgen inc mod 2 map { 0 : 10.0.0.1 . 3306, 1 : 10.0.0.2 . 3306 }"],
    [
      "round robin by weight, mixed",
      { targets: [target(1, 3), target(2, 1)] },
      "dnat ip to numgen inc mod 4 map { 0-1 : 10.0.0.1 . 3306, 2 : 10.0.0.2 . 3306, 3 : 10.0.0.1 . 3306 }",
    ],
    [
      "random by weight",
      { balance: "random", targets: [target(1, 0.5), target(2, 1.5), target(3, 1)] },
      "dnat ip to numgen random mod 6 map { 0 : 10.0.0.1 . 3306, 1-3 : 10.0.0.2 . 3306, 4-5 : 10.0.0.3 . 3306 }",
    ],
    ["one server", { targets: [target(2)] }, "dnat ip to 10.0.0.2:3306"],
    ["single", { balance: "single", targets: [target(1)] }, "dnat ip to 10.0.0.1:3306"],
  ])("%s", (_, service, translation) => {
    expect(rules("balance_a", service)).toEqual([`${V4} ${translation}`]);
  });

  test("source: a hash of the client's address, whose seed is always the same", () => {
    expect(rules("balance_a", { balance: "source" })[0]).toStartWith(
      `${V4} dnat ip to jhash ip saddr mod 1024 seed 0x51a1ce map { 0`,
    );
  });

  test("each family gets servers of its own", () => {
    expect(rules("balance_a", { targets: [target(1), target6(1), target6(2)] })).toEqual([
      `${V4} dnat ip to 10.0.0.1:3306`,
      `meta nfproto ipv6 tcp dport 4008 ${FIRST} dnat ip6 to numgen inc mod 2 map { 0 : fd00::1 . 3306, 1 : fd00::2 . 3306 }`,
    ]);
  });

  test.each([
    ["10.0.0.9", [`meta nfproto ipv4 ip daddr 10.0.0.9 tcp dport 4008 ${FIRST} dnat ip to 10.0.0.1:3306`]],
    ["fd00::9", [`meta nfproto ipv6 ip6 daddr fd00::9 tcp dport 4008 ${FIRST} dnat ip6 to [fd00::1]:3306`]],
    ["0.0.0.0", [`${V4} dnat ip to 10.0.0.1:3306`]],
  ])("a listener on %s", (address, expected) => {
    const listeners = [{ address, port: 4008 }];
    expect(rules("balance_a", { listeners, targets: [target(1), target6(1)] })).toEqual(expected);
  });

  test("nobody: no rule leads anywhere, and who comes is reset", () => {
    expect(rules("balance_a", { targets: [] })).toEqual([]);
    expect(rules("refuse", { targets: [] })).toEqual([
      "ct status dnat accept",
      "tcp dport 4008 reject with tcp reset",
    ]);
  });
});

describe("who is masqueraded", () => {
  test("everybody", () => {
    expect(rules("leave", {})).toEqual([
      "meta l4proto tcp ct status dnat ct original proto-dst 4008 ip daddr . tcp dport @to4_4008 masquerade",
    ]);
  });

  test("kernel_masquerade=false: only those to whom no answer would come back", () => {
    expect(rules("leave", { masquerade: false })).toEqual([
      "meta l4proto tcp ct status dnat ct original proto-dst 4008 ip daddr . tcp dport @to4_4008",
      "meta l4proto tcp ct status dnat ct original proto-dst 4008 ip saddr { 10.0.0.1, 10.0.0.2, 127.0.0.0/8 } masquerade",
    ]);
  });
});

test("clients on this host, by a loopback address only where the kernel lets them out", () => {
  const jump = "fib daddr type local jump balance_a";
  expect(rules("remote", {})).toEqual([jump]);
  expect(rules("local", {})).toEqual(["ip daddr 127.0.0.0/8 return", "ip6 daddr ::1 return", jump]);
  expect(rules("local", {}, true)).toEqual(["ip6 daddr ::1 return", jump]);
});

test("the ports of all services open together, each for its own time", () => {
  const services = [SERVICE, { ...SERVICE, listeners: [{ address: "::", port: 4010 }], ttlMs: 5000 }];
  const opening =
    "flush set inet sluice_balance open\nadd element inet sluice_balance open { 4008, 4010 timeout 5000ms }\n";
  expect(renew(services)).toBe(opening);
  expect(activate(services, "a", { routesLoopback: false })).toEndWith(opening);
});

test("no chain and no set is ever deleted while the table is made right", () => {
  expect(prepare([SERVICE], "a") + activate([SERVICE], "a", { routesLoopback: false })).not.toContain(
    "delete",
  );
  expect(removeTable).toBe("add table inet sluice_balance\ndelete table inet sluice_balance\n");
});

test("what is in use is not touched while the other side is made ready, and turning to it touches no map", () => {
  expect(prepare([SERVICE], "b")).not.toContain("balance_a");
  expect(prepare([SERVICE], "b")).not.toMatch(/remote|local|flush set/);
  expect(activate([SERVICE], "b", { routesLoopback: false })).not.toMatch(/balance_a|map/);
  expect(activeSide("chain local {\n\t\tfib daddr type local jump balance_b\n\t}")).toBe("b");
  expect(activeSide("")).toBeUndefined();
  const idle = "\tchain balance_a {\n\t\tdnat ip to numgen inc mod 2 map { 0 : 10.0.0.1 . 3306 }\n\t}";
  const other = "\n\tchain balance_b {\n\t\tdnat ip to 10.0.0.1:3306\n\t}\n";
  expect(withoutSide(`${idle}${other}`, "a")).toBe(`\t${other}`);
});

test("a listing: what is open, and how many were led where", () => {
  const listing = `table inet sluice_balance {
\tset open {
\t\ttype inet_service
\t\tflags timeout
\t\telements = { 4008, 4010 timeout 5s expires 4s812ms }
\t}

\tset to4_4008 {
\t\ttype ipv4_addr . inet_service
\t\tcounter
\t\telements = { 10.0.0.1 . 3306 counter packets 12 bytes 720, 10.0.0.2 . 3306 counter packets 0 bytes 0 }
\t}
`;
  expect(openPorts(listing)).toEqual([4008, 4010]);
  expect(openPorts(listing.replace(/elements.*/, ""))).toEqual([]);
  expect(ledConnections(listing)).toEqual([
    { port: 4008, server: { address: "10.0.0.1", port: 3306 }, count: 12 },
    { port: 4008, server: { address: "10.0.0.2", port: 3306 }, count: 0 },
  ]);
});
