import type { ServiceObject } from "../../config/configuration.ts";
import type { ServiceLimits } from "../../topology/routing-table.ts";

export function limitsOf({ parameters: p }: ServiceObject): ServiceLimits {
  return {
    maxConnections: p.max_connections,
    queueTimeoutMs: p.queue_timeout,
    connectTimeoutMs: p.connect_timeout,
    idleTimeoutMs: p.wait_timeout,
    writeTimeoutMs: p.net_write_timeout,
  };
}
