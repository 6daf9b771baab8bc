import type { Configuration, ServerObject, ServiceObject } from "../../config/configuration.ts";
import type { Edit } from "../../config/edit-sections.ts";
import { type Destination, destinationName } from "../../config/values/destination.ts";
import { SluiceError } from "../../errors/sluice-error.ts";
import { formatHostPort } from "../../topology/endpoint.ts";
import { withServer } from "../edits/link-service.ts";
import { monitorsOf, targetsOf, usersOf } from "../edits/relations.ts";

/** Whether two hosts, as they are written, are the same. */
export type IsSameHost = (a: string, b: string) => boolean;

/**
 * What has to change for a service to have a destination with that weight, or (below 0) not to have it any more.
 * @throws SluiceError NOT_FOUND (it has none to remove), REFUSED (nothing would watch a new one)
 */
export function destinationEdits(
  configuration: Configuration,
  service: ServiceObject,
  destination: Destination,
  isSameHost: IsSameHost,
): readonly Edit[] {
  const known = destinationServer(configuration, service, destination, isSameHost);
  if (destination.weight < 0) {
    if (known === undefined)
      throw new SluiceError("NOT_FOUND", `${service.name} has no ${title(destination)}`);
    return removal(configuration, service, known.name);
  }
  if (known !== undefined) return [weigh(known.name, destination)];
  return addition(configuration, service, destination, isSameHost);
}

/** The server of the service that a destination means. */
export function destinationServer(
  configuration: Configuration,
  service: ServiceObject,
  destination: Destination,
  isSameHost: IsSameHost,
): ServerObject | undefined {
  return targetsOf(configuration, service)
    .servers.flatMap((name) => configuration.servers.get(name) ?? [])
    .find((server) => isAt(server, destination, isSameHost));
}

function addition(
  configuration: Configuration,
  service: ServiceObject,
  destination: Destination,
  isSameHost: IsSameHost,
): readonly Edit[] {
  const present = [...configuration.servers.values()].find((server) => isAt(server, destination, isSameHost));
  const name = present?.name ?? freeName(configuration, destinationName(destination));
  const { host, port, weight } = destination;
  const parameters = new Map([
    ["address", host],
    ["port", String(port)],
    ["weight", String(weight)],
  ]);
  return [
    present === undefined ? { action: "create", kind: "server", name, parameters } : weigh(name, destination),
    ...watchEdits(configuration, service, name),
    ...serviceEdits(configuration, service, name, true),
  ];
}

/** It leaves the service; and, where nothing else has a use for it, its monitor and the configuration. */
function removal(configuration: Configuration, service: ServiceObject, name: string): readonly Edit[] {
  const { cluster } = service.parameters;
  const unlinked = serviceEdits(configuration, service, name, false);
  const others = usersOf(configuration, "server", name).filter(
    ({ object }) => object.kind !== "monitor" && object.name !== service.name,
  );
  // Who follows the same monitor loses it together with this service.
  const followers = [...configuration.services.values()].filter(
    (other) =>
      other.name !== service.name &&
      (cluster === undefined || other.parameters.cluster !== cluster) &&
      targetsOf(configuration, other).servers.includes(name),
  );
  const isFree = others.length === 0 && followers.length === 0;
  const leaving = isFree ? monitorsOf(configuration, name) : cluster === undefined ? [] : [cluster];
  const unwatched = leaving.map((monitor) => watch(configuration, monitor, name, false));
  return [
    ...unlinked,
    ...unwatched,
    ...(isFree ? [{ action: "destroy", kind: "server", name } as const] : []),
  ];
}

/** `servers=` or `targets=` of the service; nothing where it follows a monitor. */
function serviceEdits(
  configuration: Configuration,
  service: ServiceObject,
  server: string,
  isWanted: boolean,
): readonly Edit[] {
  if (service.parameters.cluster !== undefined) return [];
  const parameters = withServer(configuration, service, server, isWanted);
  return parameters === undefined
    ? []
    : [{ action: "alter", kind: "service", name: service.name, parameters }];
}

/** Lets the monitor that the service follows, or that watches its other servers, watch this one. */
function watchEdits(configuration: Configuration, service: ServiceObject, server: string): readonly Edit[] {
  const { cluster } = service.parameters;
  const watchers = monitorsOf(configuration, server);
  if (watchers.length > 0 && (cluster === undefined || watchers.includes(cluster))) return [];
  const siblings = targetsOf(configuration, service).servers;
  const [sibling] = siblings.flatMap((name) => monitorsOf(configuration, name));
  const [only, ...more] = configuration.monitors.keys();
  const monitor = cluster ?? sibling ?? (more.length === 0 ? only : undefined);
  if (monitor !== undefined) return [watch(configuration, monitor, server, true)];
  const message = `no monitor would watch ${server}: none watches a server of ${service.name}; add it to one by hand`;
  throw new SluiceError("REFUSED", message);
}

function watch(configuration: Configuration, monitor: string, server: string, isWanted: boolean): Edit {
  const present = configuration.monitors.get(monitor)?.parameters.servers ?? [];
  const servers = isWanted ? [...present, server] : present.filter((other) => other !== server);
  const text = servers.length === 0 ? null : servers.join(",");
  return { action: "alter", kind: "monitor", name: monitor, parameters: new Map([["servers", text]]) };
}

function weigh(name: string, { weight }: Destination): Edit {
  return { action: "alter", kind: "server", name, parameters: new Map([["weight", String(weight)]]) };
}

export function isAt(
  { parameters }: ServerObject,
  { host, port }: Destination,
  isSameHost: IsSameHost,
): boolean {
  const { address } = parameters;
  return address !== undefined && parameters.port === port && isSameHost(address, host);
}

/** That name, or one with a number behind it. */
export function freeName({ servers }: Configuration, wanted: string): string {
  let name = wanted;
  for (let n = 2; servers.has(name); n++) name = `${wanted}.${n}`;
  return name;
}

const title = ({ host, port }: Destination): string => formatHostPort(host, port);
