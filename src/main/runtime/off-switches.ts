import type { Configuration } from "../../config/configuration.ts";
import { OffSwitch } from "../../monitor/off-switch.ts";
import type { Clock } from "../../telemetry/clock.ts";
import type { Log } from "../../telemetry/log.ts";

export interface OffSwitchesParts {
  readonly clock: Clock;
  readonly log: Log;
  configuration(): Configuration;
  onChange(): void;
}

/** The off-switch files that monitors and servers name, watched together. */
export class OffSwitches {
  readonly #parts: OffSwitchesParts;
  #watched: OffSwitch;
  #isStarted = false;

  constructor(parts: OffSwitchesParts) {
    this.#parts = parts;
    this.#watched = this.#create();
  }

  start(): void {
    this.#isStarted = true;
    this.#watched.start();
  }

  close(): void {
    this.#watched.close();
  }

  /** Takes over the configuration that is now in force. */
  put(): void {
    this.#watched.close();
    this.#watched = this.#create();
    if (this.#isStarted) this.#watched.start();
    this.#parts.onChange();
  }

  /** The file that is there, if it is one of those that this server or its monitor names. */
  fileOf(server: string): string | undefined {
    const { present } = this.#watched;
    if (present === undefined) return undefined;
    const { monitors, servers } = this.#parts.configuration();
    const monitor = [...monitors.values()].find(({ parameters }) => parameters.servers.includes(server));
    const own = servers.get(server)?.parameters.disable_files;
    return (own ?? monitor?.parameters.disable_files ?? []).includes(present) ? present : undefined;
  }

  #create(): OffSwitch {
    const { monitors, servers } = this.#parts.configuration();
    const files = [...monitors.values(), ...servers.values()].flatMap(
      ({ parameters }) => parameters.disable_files ?? [],
    );
    return new OffSwitch([...new Set(files)], this.#parts.clock, (present) => {
      const words = present === undefined ? "the off-switch file is gone" : `${present} forces servers out`;
      this.#parts.log.warn({ event: "off_switch", file: present }, words);
      this.#parts.onChange();
    });
  }
}
