import type { ServiceStatus } from "../../admin/control.ts";
import type { SplitRoute } from "../../topology/routing-table.ts";
import type { SplitSum } from "./traffic-counts.ts";

/** What `show service` tells of a service that splits: which server does what, and how much of it. */
export function splitDiagnostics(route: SplitRoute | undefined, sum: SplitSum): ServiceStatus["diagnostics"] {
  const servers = [...sum.servers].map(([name, { current, total, running, reads, writes }]) => [
    name,
    { connections: current, total_connections: total, running, reads, writes },
  ]);
  return {
    primary: route?.primary ?? null,
    readers: route?.readers ?? [],
    failed_logins: sum.failedLogins,
    servers: Object.fromEntries(servers),
  };
}
