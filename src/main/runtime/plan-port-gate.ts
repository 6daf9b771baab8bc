import type { Configuration, PublisherObject } from "../../config/configuration.ts";
import { SluiceError } from "../../errors/sluice-error.ts";
import type { Firewall } from "../../publish/port-gate/firewall.ts";
import { GateClaim } from "../../publish/port-gate/gate-claim.ts";
import type { GatePlan } from "../../publish/port-gate/gate-plan.ts";
import { GatedConnections } from "../../publish/port-gate/gated-connections.ts";
import { GuardedFirewall } from "../../publish/port-gate/iptables/guarded-firewall.ts";
import { NftFirewall } from "../../publish/port-gate/nftables/nft-firewall.ts";
import { PortGate } from "../../publish/port-gate/port-gate.ts";
import type { ServerSelection } from "../../publish/published-servers.ts";
import { commandRunner } from "../../system/run-command.ts";
import { ownProgram } from "../own-program.ts";
import type { Services } from "./services.ts";

/** For one command of the firewall, ms. */
export const COMMAND_DEADLINE_MS = 2500;

type PortGateObject = Extract<PublisherObject, { module: "port-gate" }>;

/** Throws CONFIG_INVALID where it is not plain which server the gate is for. */
export function createPortGate(
  { name, parameters: p }: PortGateObject,
  servers: ServerSelection,
  configuration: Configuration,
  services: Services,
): PortGate {
  const server = onlyServer(name, servers, configuration);
  const plan: GatePlan = Object.freeze({
    mirrorPort: p.mirror_port,
    realPort: p.real_port,
    sources: p.source_address ?? "all",
    protectExcept: p.protect_real_port ? (p.protect_except ?? []) : undefined,
  });
  const intervalMs = intervalOf(server, configuration);
  const ttlMs = p.gate_ttl === "auto" ? 3 * intervalMs : p.gate_ttl;
  const run = commandRunner(COMMAND_DEADLINE_MS);
  const firewalls: readonly Firewall[] = [
    ...(p.backend === "iptables" ? [] : [new NftFirewall(plan, run)]),
    ...(p.backend === "nftables" ? [] : [new GuardedFirewall(plan, ttlMs, [...ownProgram(), "gate-guard"])]),
  ];
  return new PortGate(
    {
      name,
      server,
      plan,
      ttlMs,
      intervalMs,
      cutAfterMs: p.on_close === "cut" ? 0 : p.cut_after,
      keepOnExit: p.keep_on_exit,
    },
    { firewalls, connections: new GatedConnections(plan, run), claim: new GateClaim() },
    services.fleet,
    services.clock,
    services.log.child({ publisher: name }),
  );
}

/** The gate is on the server's own host, so it is about one. */
function onlyServer(name: string, servers: ServerSelection, configuration: Configuration): string {
  const names = servers === "all" ? [...configuration.servers.keys()] : servers;
  const [only, ...more] = names;
  if (only !== undefined && more.length === 0) return only;
  throw new SluiceError(
    "CONFIG_INVALID",
    `[${name}] a port gate is for the one server of its own host: give server=, one of ${names.join(", ") || "none"}`,
  );
}

function intervalOf(server: string, configuration: Configuration): number {
  const monitor = [...configuration.monitors.values()].find(({ parameters }) =>
    parameters.servers.includes(server),
  );
  if (monitor !== undefined) return monitor.parameters.monitor_interval;
  throw new SluiceError("CONFIG_INVALID", `no monitor watches ${server}, so its gate would never open`);
}
