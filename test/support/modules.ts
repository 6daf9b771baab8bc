import { type AutoOptions, auto } from "../../src/monitor/modules/auto.ts";
import { galeramon } from "../../src/monitor/modules/galeramon.ts";
import { mariadbmon } from "../../src/monitor/modules/mariadbmon.ts";
import type { MonitorModule } from "../../src/monitor/modules/monitor-module.ts";
import { portmon } from "../../src/monitor/modules/portmon.ts";

/** Every module, under the options of all, so that one test can run them in turn. */
export const MODULES: readonly MonitorModule<AutoOptions>[] = [
  { ...mariadbmon, defaults: auto.defaults },
  { ...galeramon, defaults: auto.defaults },
  { ...portmon, defaults: auto.defaults },
  auto,
];
