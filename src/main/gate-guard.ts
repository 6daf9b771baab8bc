import { randomBytes } from "node:crypto";
import { createInterface } from "node:readline";
import { print } from "../cli/output.ts";
import { Guard } from "../publish/port-gate/iptables/guard.ts";
import type { GuardRequest } from "../publish/port-gate/iptables/guard-protocol.ts";
import { IptablesFirewall } from "../publish/port-gate/iptables/iptables-firewall.ts";
import { commandRunner } from "../system/run-command.ts";
import { SYSTEM_CLOCK } from "../telemetry/clock.ts";
import { COMMAND_DEADLINE_MS } from "./runtime/plan-port-gate.ts";

/** `sluice gate-guard`: started by an agent whose gate is in iptables. Resolves once its gate is closed and the agent is gone. */
export function gateGuard(): Promise<number> {
  return new Promise((resolve) => {
    const owner = `sluice-${randomBytes(6).toString("hex")}`;
    const guard = new Guard({
      createRules: (plan) => new IptablesFirewall(plan, owner, commandRunner(COMMAND_DEADLINE_MS)),
      clock: SYSTEM_CLOCK,
      onEnd: () => resolve(0),
    });
    process.on("SIGTERM", () => guard.terminate());
    process.on("SIGINT", () => guard.terminate());
    process.on("SIGHUP", () => {});
    process.on("SIGPIPE", () => {});
    const lines = createInterface({ input: process.stdin });
    lines.on("line", (line) => {
      void guard
        .answer(JSON.parse(line) as GuardRequest)
        .then((answer) => print(`${JSON.stringify(answer)}\n`));
    });
    lines.on("close", () => guard.agentGone());
  });
}
