import { GlbControl } from "../../admin/glb/glb-control.ts";
import type { GlbHost } from "../../admin/glb/glb-host.ts";
import type { Configuration, ServiceObject } from "../../config/configuration.ts";
import { errorMessage } from "../../errors/sluice-error.ts";
import type { CloseReason } from "../../publish/publisher.ts";
import type { Clock } from "../../telemetry/clock.ts";
import type { Log } from "../../telemetry/log.ts";

/** The control sockets of all services that have one. */
export class GlbControls {
  readonly #host: GlbHost;
  readonly #clock: Clock;
  readonly #log: Log;
  /** By service; undefined: it could not be opened. `key` is what it depends on. */
  readonly #controls = new Map<string, { readonly key: string; readonly control: GlbControl | undefined }>();

  constructor(host: GlbHost, clock: Clock, log: Log) {
    this.#host = host;
    this.#clock = clock;
    this.#log = log;
  }

  /** Opens all; while privileges are still there. Throws what the first that cannot be opened throws. */
  async open(): Promise<void> {
    for (const [name, key] of wanted(this.#host.configuration())) await this.#start(name, key);
  }

  /** Takes over the configuration that is now in force. One that cannot be opened says so in the log. */
  async put(): Promise<void> {
    const next = wanted(this.#host.configuration());
    for (const [name, { key, control }] of this.#controls) {
      if (next.get(name) === key) continue;
      this.#controls.delete(name);
      await control?.close();
    }
    for (const [name, key] of next) {
      if (this.#controls.has(name)) continue;
      try {
        await this.#start(name, key);
      } catch (error) {
        this.#controls.set(name, { key, control: undefined });
        this.#log.error({ event: "control_failed", service: name }, `${name}: ${errorMessage(error)}`);
      }
    }
  }

  async close(reason?: CloseReason): Promise<void> {
    await Promise.all([...this.#controls.values()].map(({ control }) => control?.close(reason)));
    this.#controls.clear();
  }

  async #start(service: string, key: string): Promise<void> {
    const object = this.#host.configuration().services.get(service);
    if (object?.module !== "readconnroute") return;
    const { control: listen, control_only_from: onlyFrom, control_fifo: fifo } = object.parameters;
    const log = this.#log.child({ service });
    const control = new GlbControl({ service, listen, onlyFrom, fifo }, this.#host, this.#clock, log);
    await control.start();
    this.#controls.set(service, { key, control });
  }
}

/** What each control socket depends on, by service. */
function wanted({ services }: Configuration): ReadonlyMap<string, string> {
  return new Map(
    [...services.values()].flatMap((service) => {
      const key = keyOf(service);
      return key === undefined ? [] : [[service.name, key] as const];
    }),
  );
}

function keyOf(service: ServiceObject): string | undefined {
  if (service.module !== "readconnroute") return undefined;
  const { control, control_only_from: onlyFrom, control_fifo: fifo } = service.parameters;
  return control === undefined && fifo === undefined ? undefined : JSON.stringify([control, onlyFrom, fifo]);
}
