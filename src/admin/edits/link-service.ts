import type { Configuration, ServiceObject } from "../../config/configuration.ts";
import { SluiceError } from "../../errors/sluice-error.ts";
import type { Links } from "../json-api/body.ts";
import type { ParameterTexts } from "../json-api/parameters.ts";
import { isSameList, refuseFilters, type Targets, targetsOf } from "./relations.ts";

/** The parameters of a new service that its relationships stand for. */
export function targetParameters(links: Links): ReadonlyMap<string, string> {
  refuseFilters(links);
  const texts = write({
    servers: links.get("servers") ?? [],
    services: links.get("services") ?? [],
    monitors: links.get("monitors") ?? [],
  });
  return new Map([...texts].filter((entry): entry is [string, string] => entry[1] !== null));
}

/**
 * The parameters of a service that change with its relationships; none where they stay. Clients send back what they read, so only
 * what differs from that is a change: the servers of a cluster that is followed are not meant as servers of its own.
 */
export function relinkedParameters(
  configuration: Configuration,
  service: ServiceObject,
  links: Links,
): ParameterTexts {
  refuseFilters(links);
  const present = targetsOf(configuration, service);
  const next: Targets = {
    servers: links.get("servers") ?? present.servers,
    services: links.get("services") ?? present.services,
    monitors: links.get("monitors") ?? present.monitors,
  };
  const areServersSame = isSameList(next.servers, present.servers);
  const areSame =
    areServersSame &&
    isSameList(next.services, present.services) &&
    isSameList(next.monitors, present.monitors);
  if (areSame) return new Map();
  const isFollowing = present.monitors.length > 0;
  return write({ ...next, servers: isFollowing && areServersSame ? [] : next.servers });
}

/** The service's `servers=` or `targets=` with one server more or less; undefined where it does not change. */
export function withServer(
  configuration: Configuration,
  service: ServiceObject,
  server: string,
  isWanted: boolean,
): ParameterTexts | undefined {
  const present = targetsOf(configuration, service);
  if (present.servers.includes(server) === isWanted) return undefined;
  const [cluster] = present.monitors;
  if (cluster !== undefined) {
    const message = `the service ${service.name} follows the monitor ${cluster}; link ${server} to that, or unlink it from there`;
    throw new SluiceError("REFUSED", message);
  }
  const servers = isWanted
    ? [...present.servers, server]
    : present.servers.filter((other) => other !== server);
  return write({ ...present, servers });
}

/** Exactly one of servers, targets and cluster; the others are taken back. */
function write({ servers, services, monitors }: Targets): Map<string, string | null> {
  if (monitors.length > 1) {
    throw new SluiceError("REQUEST_INVALID", "data.relationships.monitors: a service follows one monitor");
  }
  const hasServices = services.length > 0;
  const list = [...servers, ...services].join(",");
  return new Map([
    ["cluster", monitors[0] ?? null],
    ["targets", hasServices ? list : null],
    ["servers", hasServices || list === "" ? null : list],
  ]);
}
