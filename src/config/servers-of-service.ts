import type { Configuration, ServiceObject } from "./configuration.ts";

/** Names of a service's servers: its own, its monitor's, and those of its targets. */
export function serversOf(service: ServiceObject, configuration: Configuration): ReadonlySet<string> {
  const found = new Set<string>();
  const seen = new Set<string>();
  const walk = ({ name, parameters: p }: ServiceObject): void => {
    // Only in a configuration that has yet to be refused do services lead in a circle.
    if (seen.has(name)) return;
    seen.add(name);
    const ofMonitor = configuration.monitors.get(p.cluster ?? "")?.parameters.servers ?? [];
    for (const server of [...(p.servers ?? []), ...ofMonitor]) found.add(server);
    for (const target of p.targets ?? []) {
      const further = configuration.services.get(target);
      if (further === undefined) found.add(target);
      else walk(further);
    }
  };
  walk(service);
  return found;
}
