import { parametersOf } from "../../config/compile-object.ts";
import {
  allObjects,
  type Configuration,
  type ConfigurationObject,
  type ServiceObject,
} from "../../config/configuration.ts";
import { type ObjectKind, SCHEMAS } from "../../config/schema/schemas.ts";
import { SluiceError } from "../../errors/sluice-error.ts";
import type { Links } from "../json-api/body.ts";

/** What a service routes to, by type. The servers of the cluster it follows are its servers. */
export interface Targets {
  readonly servers: readonly string[];
  readonly services: readonly string[];
  readonly monitors: readonly string[];
}

export function targetsOf(configuration: Configuration, service: ServiceObject): Targets {
  const { servers, targets = [], cluster } = service.parameters;
  const followed =
    cluster === undefined ? [] : (configuration.monitors.get(cluster)?.parameters.servers ?? []);
  return {
    servers: [
      ...(servers ?? []),
      ...targets.filter((target) => configuration.servers.has(target)),
      ...followed,
    ],
    services: targets.filter((target) => configuration.services.has(target)),
    monitors: cluster === undefined ? [] : [cluster],
  };
}

export function monitorsOf(configuration: Configuration, server: string): readonly string[] {
  return named(configuration.monitors, ({ parameters }) => parameters.servers.includes(server));
}

export function servicesOf(configuration: Configuration, server: string): readonly string[] {
  return named(configuration.services, (service) =>
    targetsOf(configuration, service).servers.includes(server),
  );
}

export function followersOf(configuration: Configuration, monitor: string): readonly string[] {
  return named(configuration.services, ({ parameters }) => parameters.cluster === monitor);
}

export function listenersOf(configuration: Configuration, service: string): readonly string[] {
  return named(configuration.listeners, ({ parameters }) => parameters.service === service);
}

/** Every object that names this one in a parameter, with those parameters. */
export function usersOf(configuration: Configuration, kind: ObjectKind, name: string): readonly Usage[] {
  return allObjects(configuration).flatMap((object) => {
    const values = object.parameters as Readonly<Record<string, unknown>>;
    const parameters = Object.entries(parametersOf(SCHEMAS[object.kind], object.module)).flatMap(
      ([parameter, { type }]) => {
        const value = values[parameter];
        const isNamed =
          type.refersTo?.includes(kind) && (Array.isArray(value) ? value.includes(name) : value === name);
        return isNamed ? [parameter] : [];
      },
    );
    return parameters.length === 0 ? [] : [{ object, parameters }];
  });
}

export interface Usage {
  readonly object: ConfigurationObject;
  readonly parameters: readonly string[];
}

/** A body may name filters only to say that there are none. */
export function refuseFilters(links: Links): void {
  const [filter] = links.get("filters") ?? [];
  if (filter !== undefined)
    throw new SluiceError("NOT_FOUND", `Sluice has no filters, and so not the filter ${filter}`);
}

export function isSameList(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((item, index) => item === b[index]);
}

function named<T>(objects: ReadonlyMap<string, T>, isMeant: (object: T) => boolean): readonly string[] {
  return [...objects].filter(([, object]) => isMeant(object)).map(([name]) => name);
}
