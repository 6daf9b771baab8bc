import type { FleetKnowledge } from "./route-table.ts";
import type { ServicePlan } from "./service-plan.ts";

/** Why a server has no role yet, though it may have been probed already. */
const UNDECIDED: ReadonlySet<string> = new Set(["STARTING", "ROLE_UNDECIDED"]);

/** Services whose ports may be served: their servers have been judged once. Until then, whoever comes waits in the queue of a port. */
export class KnownServices {
  readonly #known = new Set<string>();
  #isEveryoneKnown = false;

  has(service: string): boolean {
    return this.#known.has(service);
  }

  /** They have waited long enough: from now on every service is served by what is known. */
  waitNoLonger(): void {
    this.#isEveryoneKnown = true;
  }

  /** @returns those that have become known */
  update(plans: ReadonlyMap<string, ServicePlan>, { snapshot, stateOf }: FleetKnowledge): readonly string[] {
    const isKnown = ({ servers }: ServicePlan): boolean =>
      servers.every(({ server }) => {
        const role = stateOf(server)?.cause.code ?? "STARTING";
        return snapshot.servers.get(server)?.verdict.known === true && !UNDECIDED.has(role);
      });
    const found = [...plans].flatMap(([name, plan]) =>
      !this.#known.has(name) && (this.#isEveryoneKnown || isKnown(plan)) ? [name] : [],
    );
    for (const name of found) this.#known.add(name);
    return found;
  }
}
