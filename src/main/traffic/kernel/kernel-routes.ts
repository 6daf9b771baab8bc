import { Single } from "../../../proxy/balance/single.ts";
import type { KernelService, KernelTarget } from "../../../proxy/kernel/kernel-service.ts";
import { FAMILIES, familyOf } from "../../../system/firewall/family.ts";
import type { ServiceRoute } from "../../../topology/routing-table.ts";
import { type KernelPlan, kernelTargets } from "./kernel-plan.ts";

type Routes = ReadonlyMap<string, ServiceRoute>;

/** Where connections of the kernel's services are to go now. */
export class KernelRoutes {
  /** Of services with balance=single, by service and family: who has been chosen. */
  readonly #singles = new Map<string, Single>();
  #current: Routes = new Map();
  /** Those that the rules follow already: only who is out by these may be cut, as others could come right after. */
  #inForce: Routes = new Map();
  #isKnown: (service: string) => boolean = () => false;

  put(routes: readonly ServiceRoute[], isKnown: (service: string) => boolean): void {
    this.#current = new Map(routes.map((route) => [route.name, route]));
    this.#isKnown = isKnown;
  }

  get current(): Routes {
    return this.#current;
  }

  /** The rules follow these from now on. */
  follow(routes: Routes): void {
    this.#inForce = routes;
  }

  areAllKnown(plans: readonly KernelPlan[]): boolean {
    return plans.every(({ service }) => this.#isKnown(service));
  }

  /** Those of the services whose servers are known, with the listeners whose ports are held. */
  servicesOf(plans: readonly KernelPlan[], isHeld: (listener: string) => boolean): readonly KernelService[] {
    const known = plans.filter(({ service }) => this.#isKnown(service));
    return known.map((plan) => ({
      name: plan.service,
      balance: plan.balance,
      masquerade: plan.masquerade,
      ttlMs: plan.ttlMs,
      listeners: plan.listeners.filter(({ name }) => isHeld(name)),
      targets: this.#targetsOf(plan),
    }));
  }

  /** Servers whose connections are to end. */
  closingOf(service: string): ReadonlySet<string> {
    return new Set(this.#inForce.get(service)?.closing.map(({ server }) => server));
  }

  #targetsOf({ service, balance }: KernelPlan): readonly KernelTarget[] {
    const route = this.#current.get(service);
    const targets = route === undefined ? [] : kernelTargets(route);
    if (balance !== "single") return targets;
    return FAMILIES.flatMap((family) => {
      const key = `${service} ${family}`;
      const single = this.#singles.get(key) ?? new Single();
      this.#singles.set(key, single);
      const ofFamily = targets.filter(({ address }) => familyOf(address) === family);
      return single.pick(ofFamily.map((target) => ({ ...target, connections: 0 }))) ?? [];
    });
  }
}
