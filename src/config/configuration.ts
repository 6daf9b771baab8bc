import type { Place, Problem, Warning } from "./problem.ts";
import type { ObjectForms } from "./schema/object-schema.ts";
import type { ObjectKind, SCHEMAS } from "./schema/schemas.ts";
import type { Secret } from "./secret.ts";

/** One value as it was given: the text, and where it came from. */
export interface Given {
  readonly text: string | Secret;
  /** Undefined: given over REST in this run. */
  readonly at: Place | undefined;
  readonly origin: Origin;
  /** The environment variable that the text stands for. */
  readonly variable: string | undefined;
}

/** The configuration files, or the directory of runtime changes. */
export type Origin = "file" | "persisted";

interface Common<K extends ObjectKind> {
  readonly kind: K;
  readonly name: string;
  /** Where its section begins. */
  readonly at: Place | undefined;
  readonly origin: Origin;
  /** What was given, by present names; everything else is a default. */
  readonly given: ReadonlyMap<string, Given>;
}

/**
 * One object, frozen. `parameters` has every parameter under its name in the file, typed: durations are milliseconds, sizes
 * bytes, lists arrays, passwords Secrets. `module` tells the forms of a monitor, service or publisher apart.
 */
export type ConfigurationObject<K extends ObjectKind = ObjectKind> = K extends ObjectKind
  ? Common<K> & ObjectForms<(typeof SCHEMAS)[K]>
  : never;

export type ServerObject = ConfigurationObject<"server">;
export type MonitorObject = ConfigurationObject<"monitor">;
export type ServiceObject = ConfigurationObject<"service">;
export type ListenerObject = ConfigurationObject<"listener">;
export type PublisherObject = ConfigurationObject<"publisher">;

/** A valid configuration. Every reference in it leads to an object; maps are in the order of the files. */
export interface Configuration {
  readonly sluice: ConfigurationObject<"sluice">;
  readonly servers: ReadonlyMap<string, ServerObject>;
  readonly monitors: ReadonlyMap<string, MonitorObject>;
  readonly services: ReadonlyMap<string, ServiceObject>;
  readonly listeners: ReadonlyMap<string, ListenerObject>;
  readonly publishers: ReadonlyMap<string, PublisherObject>;
}

export type ConfigurationResult =
  | { readonly ok: true; readonly configuration: Configuration; readonly warnings: readonly Warning[] }
  | { readonly ok: false; readonly problems: readonly Problem[]; readonly warnings: readonly Warning[] };

/** All objects, [sluice] first. */
export function allObjects(configuration: Configuration): readonly ConfigurationObject[] {
  const { sluice, servers, monitors, services, listeners, publishers } = configuration;
  return [
    sluice,
    ...servers.values(),
    ...monitors.values(),
    ...services.values(),
    ...listeners.values(),
    ...publishers.values(),
  ];
}
