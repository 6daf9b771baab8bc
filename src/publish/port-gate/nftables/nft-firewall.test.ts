import { beforeEach, describe, expect, test } from "bun:test";
import type { GatePlan } from "../gate-plan.ts";
import { NftFirewall } from "./nft-firewall.ts";

const PLAN: GatePlan = { mirrorPort: 3308, realPort: 3306, sources: "all", protectExcept: undefined };

/** What a kernel has of our table, as far as a gate looks at it. */
let kernel: { rules: string; isOpen: boolean };
let firewall: NftFirewall;

/** nft prints a set as it is before the elements that the same script takes away. */
const run = async (_argv: readonly string[], script = "") => {
  if (script.includes("add chain")) kernel.rules = "the rules";
  const elements = kernel.isOpen ? "elements = { 3308 timeout 3s expires 2s }\n" : "";
  const stdout = script.includes("list table") ? `${elements}${kernel.rules}\n` : "";
  if (script.includes("delete element")) kernel.isOpen = script.includes(" timeout 3000ms }");
  return { code: 0, stdout, stderr: "" };
};

beforeEach(() => {
  kernel = { rules: "", isOpen: false };
  firewall = new NftFirewall(PLAN, run);
});

describe("a renewal says whether something had to be put right", () => {
  test("nothing, while nobody interferes", async () => {
    await firewall.prepare();
    await firewall.open(3000);
    expect([await firewall.renew(3000), await firewall.renew(3000)]).toEqual([false, false]);
    await firewall.close();
    expect(await firewall.renew(undefined)).toBe(false);
  });

  test("the port taken out of the set, or put in", async () => {
    await firewall.prepare();
    await firewall.open(3000);
    kernel.isOpen = false;
    expect(await firewall.renew(3000)).toBe(true);
    expect(kernel.isOpen).toBe(true);
    await firewall.close();
    kernel.isOpen = true;
    expect(await firewall.renew(undefined)).toBe(true);
    expect(kernel.isOpen).toBe(false);
  });

  test("the rules", async () => {
    await firewall.prepare();
    await firewall.open(3000);
    kernel.rules = "no rules";
    expect([await firewall.renew(3000), await firewall.renew(3000)]).toEqual([true, false]);
  });

  test("not an opening that was found and has run out meanwhile: it was not this agent's", async () => {
    kernel.isOpen = true;
    expect(await firewall.prepare()).toBe(true);
    kernel.isOpen = false;
    expect([await firewall.renew(3000), await firewall.renew(3000)]).toEqual([false, false]);
  });
});
