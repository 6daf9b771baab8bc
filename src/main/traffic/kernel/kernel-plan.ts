import {
  isKernelBalance,
  type KernelBalance,
  type KernelTarget,
} from "../../../proxy/kernel/kernel-service.ts";
import { type Endpoint, formatHostPort } from "../../../topology/endpoint.ts";
import type { ServiceRoute } from "../../../topology/routing-table.ts";
import { ipv6Text } from "../../../wire/ip-address.ts";
import type { ListenerPlan } from "../plan-traffic.ts";
import type { KernelSettings, ServicePlan } from "../service-plan.ts";

/** A service that the kernel carries, with all that rules can lead from and to. */
export interface KernelPlan extends KernelSettings {
  readonly service: string;
  readonly balance: KernelBalance;
  readonly listeners: readonly KernelListener[];
  /** Names of all its servers, by `address:port`. */
  readonly servers: ReadonlyMap<string, string>;
}

export interface KernelListener {
  readonly name: string;
  readonly address: string;
  readonly port: number;
  /** False: somebody has stopped it, and the connections that came by it go on. */
  readonly isOpen: boolean;
}

/** @param listeners of any service */
export function planKernel(
  services: Iterable<ServicePlan>,
  listeners: readonly ListenerPlan[],
  isOpen: (listener: ListenerPlan) => boolean,
): readonly KernelPlan[] {
  return [...services].flatMap((plan) => {
    if (plan.router !== "readconnroute") return [];
    const { rule, servers, kernel } = plan;
    // Another policy was refused when the configuration was read.
    if (kernel === undefined || !isKernelBalance(rule.balance)) return [];
    return [
      {
        ...kernel,
        service: rule.name,
        balance: rule.balance,
        listeners: listeners.flatMap((listener) => {
          const { name, service, place } = listener;
          if (service !== rule.name || place.kind !== "tcp") return [];
          return [{ name, address: plainly(place.host), port: place.port, isOpen: isOpen(listener) }];
        }),
        servers: new Map(servers.flatMap(({ server, endpoint }) => addressesOf(endpoint, server))),
      },
    ];
  });
}

/** The targets of a route, as far as rules can lead there. */
export function kernelTargets({ targets }: ServiceRoute): readonly KernelTarget[] {
  return targets.flatMap(({ server, endpoint, weight }) =>
    endpoint.kind === "tcp" ? [{ server, address: plainly(endpoint.host), port: endpoint.port, weight }] : [],
  );
}

/** How `KernelPlan.servers` names an address. */
export const serverKey = (address: string, port: number): string => formatHostPort(plainly(address), port);

function addressesOf(endpoint: Endpoint, server: string): readonly (readonly [string, string])[] {
  return endpoint.kind === "tcp" ? [[serverKey(endpoint.host, endpoint.port), server]] : [];
}

/** The address as the kernel's programs write it, so that texts can be compared. */
const plainly = (address: string): string => (address.includes(":") ? ipv6Text(address) : address);
