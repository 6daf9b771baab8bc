import type { Led } from "../../../proxy/kernel/table-listing.ts";
import type { WorkerCounters } from "../../../proxy/worker/messages.ts";
import { NO_COUNTS } from "../traffic-counts.ts";
import type { KernelFlow } from "./kernel-flows.ts";
import { type KernelPlan, serverKey } from "./kernel-plan.ts";

type ServiceCounters = WorkerCounters["services"][string];

/** What the kernel carries, in the form in which workers tell theirs. @param led how often its rules have led a client where */
export function kernelCounters(
  plans: readonly KernelPlan[],
  flows: readonly KernelFlow[],
  led: readonly Led[],
): WorkerCounters {
  const services = plans.map((plan) => [plan.service, countersOf(plan, flows, led)] as const);
  return {
    sessions: flows.length,
    listeners: plans.flatMap((plan) => plan.listeners).filter(({ isOpen }) => isOpen).length,
    rssBytes: 0,
    cpuMicros: 0,
    services: Object.fromEntries(services),
  };
}

function countersOf(
  { service, listeners, servers }: KernelPlan,
  flows: readonly KernelFlow[],
  led: readonly Led[],
): ServiceCounters {
  const mine = flows.filter((flow) => flow.service === service && flow.state !== "SYN_SENT");
  const ports = new Set(listeners.map(({ port }) => port));
  const counts = [...servers].map(([key, name]) => {
    const current = mine.filter(({ serverName }) => serverName === name).length;
    const total = led
      .filter(({ port, server }) => ports.has(port) && serverKey(server.address, server.port) === key)
      .reduce((sum, { count }) => sum + count, 0);
    return [name, { current, total: Math.max(current, total) }] as const;
  });
  return {
    ...NO_COUNTS,
    current: mine.length,
    total: counts.reduce((sum, [, { total }]) => sum + total, 0),
    most: mine.length,
    servers: Object.fromEntries(counts),
  };
}
