import { expect, test } from "bun:test";
import type { GatePlan } from "../gate-plan.ts";
import { IptablesFirewall } from "./iptables-firewall.ts";
import { jumpArguments, jumps, redirects } from "./iptables-rules.ts";

const PLAN: GatePlan = { mirrorPort: 3308, realPort: 3306, sources: "all", protectExcept: undefined };

const chains = (isOpen: boolean): string => redirects(PLAN, 4, isOpen ? "me" : undefined);
const jumpLines = jumps(PLAN).map((jump) => jumpArguments("-I", jump).slice(2).join(" ").replace("-I", "-A"));
const whole = (isOpen: boolean): string => [chains(isOpen), ...jumpLines].join("\n");

test.each([
  ["a jump", [chains(true), ...jumpLines.slice(1)].join("\n")],
  ["a chain's rules", whole(false)],
  ["everything", ""],
])("somebody who takes away %s right after it was laid down is found out", async (_, disturbed) => {
  let listing = whole(true);
  const run = async (argv: readonly string[]) => ({
    code: 0,
    stdout: argv.includes("-S") ? listing : "",
    stderr: "",
  });
  const firewall = new IptablesFirewall(PLAN, "me", run);
  listing = disturbed;
  await firewall.open();
  expect(await firewall.renew(3000)).toBe(true);
  listing = whole(true);
  expect(await firewall.renew(3000)).toBe(true);
  expect(await firewall.renew(3000)).toBe(false);
});
