import type { Configuration, MonitorObject, ServerObject } from "../../config/configuration.ts";
import type { Edit } from "../../config/edit-sections.ts";
import { type Destination, destinationName } from "../../config/values/destination.ts";
import { usersOf } from "../edits/relations.ts";
import { freeName, type IsSameHost, isAt } from "./destination-edits.ts";

export interface Discovered {
  readonly edits: readonly Edit[];
  /** Names of the servers that are new. */
  readonly added: readonly string[];
}

/**
 * What has to change for a monitor to watch the members of its cluster: new ones are added. Of those that were found so (`isFound`)
 * the ones that are members no longer, and are down, are taken out.
 */
export function discoveryEdits(
  configuration: Configuration,
  monitor: MonitorObject,
  members: readonly Destination[],
  isSameHost: IsSameHost,
  isFound: (server: string) => boolean,
  isUp: (server: string) => boolean,
): Discovered {
  const watched = monitor.parameters.servers.flatMap((name) => configuration.servers.get(name) ?? []);
  const strangers = members.filter(
    (member) => !watched.some((server) => isMember(server, member, isSameHost)),
  );
  const gone = watched.filter(
    (server) =>
      isFound(server.name) &&
      !isUp(server.name) &&
      !members.some((member) => isMember(server, member, isSameHost)) &&
      usersOf(configuration, "server", server.name).every(({ object }) => object.name === monitor.name),
  );
  if (strangers.length === 0 && gone.length === 0) return { edits: [], added: [] };
  const taken = new Set(gone.map(({ name }) => name));
  const creations = strangers.map((member) => addition(configuration, member, isSameHost));
  const servers = [
    ...monitor.parameters.servers.filter((name) => !taken.has(name)),
    ...creations.map(({ name }) => name),
  ];
  const text = servers.length === 0 ? null : servers.join(",");
  return {
    edits: [
      ...creations.flatMap(({ create }) => create ?? []),
      { action: "alter", kind: "monitor", name: monitor.name, parameters: new Map([["servers", text]]) },
      ...gone.map(({ name }): Edit => ({ action: "destroy", kind: "server", name })),
    ],
    added: creations.map(({ name }) => name),
  };
}

/** A server that the configuration has, but that nobody watches yet, is not made anew. */
function addition(
  configuration: Configuration,
  member: Destination,
  isSameHost: IsSameHost,
): { readonly name: string; readonly create: Edit | undefined } {
  const present = [...configuration.servers.values()].find((server) => isMember(server, member, isSameHost));
  if (present !== undefined) return { name: present.name, create: undefined };
  const name = freeName(configuration, destinationName(member));
  const parameters = new Map([
    ["address", member.host],
    ["port", String(member.port)],
  ]);
  return { name, create: { action: "create", kind: "server", name, parameters } };
}

/** Members know each other by an address that may not be the one that we use. */
function isMember(server: ServerObject, member: Destination, isSameHost: IsSameHost): boolean {
  const { private_address: known, port } = server.parameters;
  const isKnownSo = known !== undefined && port === member.port && isSameHost(known, member.host);
  return isKnownSo || isAt(server, member, isSameHost);
}
