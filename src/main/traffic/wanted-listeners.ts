import type { Configuration, ListenerObject } from "../../config/configuration.ts";
import { type KernelPlan, planKernel } from "./kernel/kernel-plan.ts";
import { type ListenerPlan, planListener } from "./plan-traffic.ts";
import { isInKernel, type ServicePlan } from "./service-plan.ts";

/** Names of services and listeners that a person has stopped. */
export interface Stopped {
  readonly service: readonly string[];
  readonly listener: readonly string[];
}

export interface WantedParts {
  readonly workers: number;
  configuration(): Configuration;
  plans(): ReadonlyMap<string, ServicePlan>;
  /** What is asked for cannot be. May throw: then nothing is wanted at all. */
  onRefused(listener: string, error: unknown): void;
}

/** The listeners that should be open, by the configuration and by what a person has stopped. */
export class WantedListeners {
  readonly #parts: WantedParts;
  readonly #stopped: Readonly<Record<keyof Stopped, Set<string>>>;

  /** @param stopped as a predecessor knew it */
  constructor(parts: WantedParts, stopped: Stopped | undefined) {
    this.#parts = parts;
    this.#stopped = { service: new Set(stopped?.service), listener: new Set(stopped?.listener) };
  }

  get stopped(): Stopped {
    return { service: [...this.#stopped.service], listener: [...this.#stopped.listener] };
  }

  isServiceStopped(name: string): boolean {
    return this.#stopped.service.has(name);
  }

  setRunning(kind: keyof Stopped, name: string, isRunning: boolean): void {
    if (isRunning) this.#stopped[kind].delete(name);
    else this.#stopped[kind].add(name);
  }

  /** Those that workers serve. */
  inProcesses(): readonly ListenerPlan[] {
    if (this.#parts.workers === 0) return [];
    const plans = this.#parts.plans();
    return this.#plans().filter(
      (listener) => !this.#isStopped(listener) && !isInKernel(plans.get(listener.service)),
    );
  }

  inKernel(): readonly KernelPlan[] {
    const services = this.#parts.plans().values();
    return planKernel(services, this.#plans(), (listener) => !this.#isStopped(listener));
  }

  #isStopped({ name, service }: ListenerPlan): boolean {
    return this.#stopped.listener.has(name) || this.#stopped.service.has(service);
  }

  /** Those of services that run in this version. */
  #plans(): readonly ListenerPlan[] {
    const plans = this.#parts.plans();
    return [...this.#parts.configuration().listeners.values()].flatMap((listener) =>
      plans.has(listener.parameters.service) ? this.#plan(listener) : [],
    );
  }

  #plan(listener: ListenerObject): readonly ListenerPlan[] {
    const service = this.#parts.configuration().services.get(listener.parameters.service);
    if (service === undefined) return [];
    try {
      return [planListener(listener, service)];
    } catch (error) {
      this.#parts.onRefused(listener.name, error);
      return [];
    }
  }
}
