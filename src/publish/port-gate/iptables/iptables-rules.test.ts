import { describe, expect, test } from "bun:test";
import type { GatePlan } from "../gate-plan.ts";
import {
  isOpenIn,
  isWhole,
  jumpArguments,
  jumps,
  openings,
  ownLines,
  protection,
  redirects,
} from "./iptables-rules.ts";

const PLAN: GatePlan = { mirrorPort: 3308, realPort: 3306, sources: "all", protectExcept: undefined };
const TO = "-p tcp -m tcp --dport 3308 -m comment --comment me -j DNAT --to-destination :3306";

describe("the chains of a gate", () => {
  test("closed they are empty, open they lead to the real port; both in one transaction", () => {
    const chains = "*nat\n:SLUICE-REMOTE-3308 - [0:0]\n:SLUICE-LOCAL-3308 - [0:0]\n";
    expect(redirects(PLAN, 4, undefined)).toBe(`${chains}COMMIT\n`);
    expect(redirects(PLAN, 4, "me")).toBe(
      `${chains}-A SLUICE-REMOTE-3308 -m addrtype --dst-type LOCAL ${TO}\n-A SLUICE-LOCAL-3308 ${TO}\nCOMMIT\n`,
    );
  });

  test("each family gets its own sources, and always the clients of this host", () => {
    const plan = { ...PLAN, sources: ["10.0.0.0/8", "fd00::/8", "192.0.2.1"] };
    expect(openings(plan, 4, "me").map((rule) => rule.split(" -m")[0])).toEqual([
      "SLUICE-REMOTE-3308 -s 10.0.0.0/8",
      "SLUICE-REMOTE-3308 -s 192.0.2.1",
      "SLUICE-LOCAL-3308 -p tcp",
    ]);
    expect(openings({ ...PLAN, sources: ["10.0.0.1"] }, 6, "me")).toEqual([`SLUICE-LOCAL-3308 ${TO}`]);
  });

  test("the jumps keep the kernel tracking connections, and can be checked, inserted and deleted", () => {
    const [remote, local, ...more] = jumps(PLAN);
    expect(more).toEqual([]);
    if (remote === undefined || local === undefined) throw new Error("two jumps");
    expect(jumpArguments("-C", remote).join(" ")).toBe(
      "-t nat -C PREROUTING -m conntrack --ctstate NEW -j SLUICE-REMOTE-3308",
    );
    expect(jumpArguments("-D", local).join(" ")).toBe(
      "-t nat -D OUTPUT -o lo -m conntrack --ctstate NEW -j SLUICE-LOCAL-3308",
    );
  });

  test("protection turns new direct connections away; without it there is no chain", () => {
    expect(protection(PLAN, 4)).toBe("");
    const text = protection({ ...PLAN, protectExcept: ["10.0.0.2", "fd00::2"] }, 6);
    expect(text.split("\n")).toContain("-A SLUICE-REAL-3308 -s fd00::2 -j RETURN");
    expect(text).not.toContain("10.0.0.2");
    expect(text).toContain("--ctstate NEW -j REJECT --reject-with tcp-reset\nCOMMIT");
  });
});

test("of a listing only what is this gate's counts", () => {
  const listing = [
    "-P PREROUTING ACCEPT",
    "-N SLUICE-REMOTE-3308",
    "-A PREROUTING -m conntrack --ctstate NEW -j SLUICE-REMOTE-3308",
    "-A PREROUTING -m conntrack --ctstate NEW -j SLUICE-REMOTE-33081",
    `-A SLUICE-REMOTE-3308 ${TO}`,
    "-A DOCKER -p tcp -j DNAT --to-destination 172.17.0.2:80",
  ].join("\n");
  expect(ownLines(listing, PLAN)).toHaveLength(3);
  expect(isOpenIn(listing, PLAN)).toBe(true);
  expect(isOpenIn(listing, { ...PLAN, mirrorPort: 3309 })).toBe(false);
});

describe("a listing is whole", () => {
  const plan = { ...PLAN, protectExcept: ["10.0.0.2"] };
  // As iptables 1.8 words it.
  const listing = `-P PREROUTING ACCEPT
-N DOCKER
-N SLUICE-LOCAL-3308
-N SLUICE-REMOTE-3308
-A PREROUTING -m conntrack --ctstate NEW -j SLUICE-REMOTE-3308
-A PREROUTING -m addrtype --dst-type LOCAL -j DOCKER
-A OUTPUT -o lo -m conntrack --ctstate NEW -j SLUICE-LOCAL-3308
-A SLUICE-LOCAL-3308 ${TO}
-A SLUICE-REMOTE-3308 -p tcp -m addrtype --dst-type LOCAL -m tcp --dport 3308 -m comment --comment me -j DNAT --to-destination :3306
-P INPUT ACCEPT
-N SLUICE-REAL-3308
-A INPUT -p tcp -m tcp --dport 3306 -j SLUICE-REAL-3308
-A SLUICE-REAL-3308 -p tcp -m conntrack --ctstate DNAT --ctorigdstport 3308 -j RETURN
-A SLUICE-REAL-3308 -i lo -j RETURN
-A SLUICE-REAL-3308 -s 10.0.0.2/32 -j RETURN
-A SLUICE-REAL-3308 -p tcp -m conntrack --ctstate NEW -j REJECT --reject-with tcp-reset
`;
  const without = (line: RegExp): string =>
    listing
      .split("\n")
      .filter((text) => !line.test(text))
      .join("\n");

  test("with every rule of ours, whatever others have", () => {
    expect(isWhole(listing, plan, 4, "me")).toBe(true);
    expect(isWhole(without(/DOCKER/), plan, 4, "me")).toBe(true);
  });

  test.each([/^-A PREROUTING/, /^-A OUTPUT/, /^-A INPUT/, /^-A SLUICE-REMOTE/, /^-A SLUICE-REAL.*lo/])(
    "not without %p",
    (line) => {
      expect(isWhole(without(line), plan, 4, "me")).toBe(false);
    },
  );

  test("closed, only with nothing in the chains that open", () => {
    expect(isWhole(listing, plan, 4, undefined)).toBe(false);
    expect(isWhole(without(/DNAT --to/), plan, 4, undefined)).toBe(true);
  });
});
