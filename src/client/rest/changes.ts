import type { Secret } from "../../config/secret.ts";
import { SluiceError } from "../../errors/sluice-error.ts";
import {
  type Collection,
  fetchCollection,
  fetchOne,
  missing,
  namingWhatExists,
  pathOf,
  SINGULAR,
} from "./collections.ts";
import type { Daemon } from "./daemon.ts";
import { related } from "./resource.ts";

/** The objects of the configuration. */
export type ObjectCollection = "servers" | "services" | "monitors" | "listeners" | "publishers";

/** Parameters in the dialect's words; null is "back to the default". */
export type ParameterTexts = Readonly<Record<string, string | null>>;

/** By the type of what it links to: `{ servers: ["db1"] }`. */
export type Links = Readonly<Record<string, readonly string[]>>;

export interface NewObject {
  readonly name: string;
  /** `module` of a monitor or publisher, `router` of a service. */
  readonly module: { readonly module: string } | { readonly router: string } | undefined;
  readonly parameters: ParameterTexts;
  readonly links: Links;
}

export async function createObject(
  daemon: Daemon,
  collection: ObjectCollection,
  { name, module, parameters, links }: NewObject,
): Promise<void> {
  await daemon.send("POST", pathOf(collection), {
    data: {
      id: name,
      type: collection,
      attributes: { ...module, parameters },
      relationships: relationships(links),
    },
  });
}

export async function alterObject(
  daemon: Daemon,
  collection: ObjectCollection,
  name: string,
  parameters: ParameterTexts,
  links: Links,
): Promise<void> {
  const data = {
    id: name,
    type: collection,
    attributes: { parameters },
    ...(Object.keys(links).length > 0 && { relationships: relationships(links) }),
  };
  await onOne(daemon, collection, name, "PATCH", "", { data });
}

/** Of the whole daemon. */
export async function alterDaemon(daemon: Daemon, parameters: ParameterTexts): Promise<void> {
  await daemon.send("PATCH", "maxscale", { data: { attributes: { parameters } } });
}

/** `force` unlinks it from what uses it, and ends its connections. */
export async function destroyObject(
  daemon: Daemon,
  collection: ObjectCollection,
  name: string,
  force: boolean,
): Promise<void> {
  await onOne(daemon, collection, name, "DELETE", force ? "?force=yes" : "");
}

/** Links servers to a monitor or service, or unlinks them. Unlinking what is not linked is NOT_FOUND: a slip of the keyboard. */
export async function changeLinks(
  daemon: Daemon,
  collection: "services" | "monitors",
  name: string,
  servers: readonly string[],
  isAdding: boolean,
): Promise<void> {
  const present = related(await fetchOne(daemon, collection, name), "servers");
  const where = `${SINGULAR[collection]} ${name}`;
  for (const server of isAdding ? [] : servers) requireLinked(server, present, where);
  const next = isAdding ? added(present, servers) : without(present, servers);
  const data = { id: name, type: collection, relationships: relationships({ servers: next }) };
  await onOne(daemon, collection, name, "PATCH", "", { data });
}

/** Links a server to monitors and services, or unlinks it, in one request: all of it happens, or nothing. */
export async function linkServer(
  daemon: Daemon,
  server: string,
  targets: readonly string[],
  isAdding: boolean,
): Promise<void> {
  const [resource, monitors, services] = await Promise.all([
    fetchOne(daemon, "servers", server),
    fetchCollection(daemon, "monitors"),
    fetchCollection(daemon, "services"),
  ]);
  const byType = { monitors: monitors.map(({ id }) => id), services: services.map(({ id }) => id) };
  const known = [...byType.monitors, ...byType.services];
  const linked = [...related(resource, "monitors"), ...related(resource, "services")];
  for (const target of targets) {
    if (!known.includes(target))
      throw new SluiceError("NOT_FOUND", missing("monitor or service", target, known));
    if (!isAdding) requireLinked(target, linked, `server ${server}`);
  }
  const links = Object.entries(byType).flatMap(([type, names]): [string, readonly string[]][] => {
    const meant = targets.filter((target) => names.includes(target));
    const present = related(resource, type);
    return meant.length === 0 ? [] : [[type, isAdding ? added(present, meant) : without(present, meant)]];
  });
  const data = { id: server, type: "servers", relationships: relationships(Object.fromEntries(links)) };
  await onOne(daemon, "servers", server, "PATCH", "", { data });
}

function requireLinked(name: string, present: readonly string[], where: string): void {
  if (!present.includes(name)) throw new SluiceError("NOT_FOUND", `${name} is not linked to ${where}`);
}

const added = (present: readonly string[], names: readonly string[]): readonly string[] => [
  ...new Set([...present, ...names]),
];
const without = (present: readonly string[], names: readonly string[]): readonly string[] =>
  present.filter((name) => !names.includes(name));

export async function setServerState(
  daemon: Daemon,
  server: string,
  action: "set" | "clear",
  state: string,
  force: boolean,
): Promise<void> {
  const query = `${force ? "force=yes&" : ""}state=${encodeURIComponent(state)}`;
  await onOne(daemon, "servers", server, "PUT", `/${action}?${query}`);
}

export async function setRunning(
  daemon: Daemon,
  collection: "services" | "monitors" | "listeners",
  name: string,
  action: "start" | "stop",
  force: boolean,
): Promise<void> {
  await onOne(daemon, collection, name, "PUT", `/${action}${force ? "?force=yes" : ""}`);
}

/** Ends a session, after `ttlSeconds` if it has not ended by then. */
export async function endSession(daemon: Daemon, id: string, ttlSeconds: number): Promise<void> {
  await onOne(daemon, "sessions", id, "DELETE", ttlSeconds > 0 ? `?ttl=${ttlSeconds}` : "");
}

export async function createAccount(
  daemon: Daemon,
  name: string,
  password: Secret,
  account: "admin" | "basic",
): Promise<void> {
  const attributes = { password: password.reveal(), account };
  await daemon.send("POST", pathOf("users"), { data: { id: name, type: "inet", attributes } });
}

export async function alterAccount(daemon: Daemon, name: string, password: Secret): Promise<void> {
  await onOne(daemon, "users", name, "PATCH", "", { data: { attributes: { password: password.reveal() } } });
}

export async function destroyAccount(daemon: Daemon, name: string): Promise<void> {
  await onOne(daemon, "users", name, "DELETE", "");
}

/** Reads the configuration files again; resolves to a line for each difference that was applied. */
export async function reloadConfiguration(daemon: Daemon): Promise<readonly string[]> {
  const document = await daemon.send("POST", "maxscale/reload");
  const { meta } = (document ?? {}) as { readonly meta?: { readonly changes?: unknown } };
  return Array.isArray(meta?.changes) ? meta.changes.map(String) : [];
}

export async function reloadTls(daemon: Daemon): Promise<void> {
  await daemon.send("POST", "maxscale/tls/reload");
}

/** Fetches the accounts of a service's clients anew. */
export async function reloadAccounts(daemon: Daemon, service: string): Promise<void> {
  await namingWhatExists(daemon, "services", service, () =>
    daemon.send("POST", `${pathOf("services", service)}/reload`),
  );
}

/** Resolves to what the command says; undefined: nothing. */
export async function callCommand(
  daemon: Daemon,
  module: string,
  name: string,
  args: readonly string[],
): Promise<unknown> {
  const { attributes } = await fetchOne(daemon, "modules", module);
  const commands = attributes.commands ?? [];
  const command = commands.find(({ id }) => id === name);
  if (command === undefined) {
    throw new SluiceError(
      "NOT_FOUND",
      missing(
        `command of ${module}`,
        name,
        commands.map(({ id }) => id),
      ),
    );
  }
  const method = command.attributes?.method === "GET" ? "GET" : "POST";
  const query = args.length === 0 ? "" : `?${args.map(encodeURIComponent).join("&")}`;
  const path = `${pathOf("modules", module)}/${encodeURIComponent(name)}${query}`;
  const document = await daemon.send(method, path);
  return (document as { readonly meta?: unknown } | undefined)?.meta;
}

async function onOne(
  daemon: Daemon,
  collection: Collection,
  name: string,
  method: "PATCH" | "PUT" | "DELETE",
  rest: string,
  body?: unknown,
): Promise<void> {
  await namingWhatExists(daemon, collection, name, () =>
    daemon.send(method, `${pathOf(collection, name)}${rest}`, body),
  );
}

const relationships = (links: Links) =>
  Object.fromEntries(
    Object.entries(links).map(([type, names]) => [type, { data: names.map((id) => ({ id, type })) }]),
  );
