import { nearest } from "../../config/suggestion.ts";
import { SluiceError } from "../../errors/sluice-error.ts";
import type {
  FilterAttributes,
  ListenerAttributes,
  ModuleAttributes,
  MonitorAttributes,
  PublisherAttributes,
  ServerAttributes,
  ServiceAttributes,
  SessionAttributes,
  ThreadAttributes,
  UserAttributes,
} from "./attributes.ts";
import type { Daemon } from "./daemon.ts";
import { collectionOf, type Resource, singleOf } from "./resource.ts";

/** What the API has lists of, and what is read of each. */
export interface AttributesOf {
  servers: ServerAttributes;
  services: ServiceAttributes;
  monitors: MonitorAttributes;
  listeners: ListenerAttributes;
  publishers: PublisherAttributes;
  filters: FilterAttributes;
  sessions: SessionAttributes;
  users: UserAttributes;
  modules: ModuleAttributes;
  threads: ThreadAttributes;
}

export type Collection = keyof AttributesOf;

const PATHS: Readonly<Record<Collection, string>> = {
  servers: "servers",
  services: "services",
  monitors: "monitors",
  listeners: "listeners",
  publishers: "publishers",
  filters: "filters",
  sessions: "sessions",
  users: "users/inet",
  modules: "maxscale/modules",
  threads: "maxscale/threads",
};

export const isCollection = (word: string): word is Collection => Object.hasOwn(PATHS, word);

/** Objects that are created, altered and destroyed by name; the API's plural, and its word in a sentence. */
export const SINGULAR: Readonly<Record<Collection, string>> = {
  servers: "server",
  services: "service",
  monitors: "monitor",
  listeners: "listener",
  publishers: "publisher",
  filters: "filter",
  sessions: "session",
  users: "user",
  modules: "module",
  threads: "thread",
};

/** Below /v1/. */
export const pathOf = (collection: Collection, name?: string): string =>
  name === undefined ? PATHS[collection] : `${PATHS[collection]}/${encodeURIComponent(name)}`;

export async function fetchCollection<C extends Collection>(
  daemon: Daemon,
  collection: C,
): Promise<readonly Resource<AttributesOf[C]>[]> {
  return collectionOf<AttributesOf[C]>(await daemon.get(pathOf(collection)));
}

/** Rejects with NOT_FOUND that names what there is. */
export async function fetchOne<C extends Collection>(
  daemon: Daemon,
  collection: C,
  name: string,
): Promise<Resource<AttributesOf[C]>> {
  const document = await namingWhatExists(daemon, collection, name, () =>
    daemon.get(pathOf(collection, name)),
  );
  return singleOf<AttributesOf[C]>(document);
}

/** Most names that a sentence lists. */
const MAX_NAMES = 12;

/** Runs a request for one object; a NOT_FOUND becomes a sentence with the names that would have been right. */
export async function namingWhatExists<T>(
  daemon: Daemon,
  collection: Collection,
  name: string,
  request: () => Promise<T>,
): Promise<T> {
  try {
    return await request();
  } catch (error) {
    if (!(error instanceof SluiceError) || error.code !== "NOT_FOUND") throw error;
    const present = await fetchCollection(daemon, collection).catch(() => undefined);
    // It is another object that is missing: one that the request refers to.
    if (present === undefined || present.some(({ id }) => id === name)) throw error;
    throw new SluiceError(
      "NOT_FOUND",
      missing(
        SINGULAR[collection],
        name,
        present.map(({ id }) => id),
      ),
      { cause: error },
    );
  }
}

/** That there is no such thing, and what there is: all names, or of many the one that was probably meant. */
export function missing(word: string, name: string, present: readonly string[]): string {
  const said = `there is no ${word} ${name}`;
  if (present.length === 0) return `${said}, nor any other`;
  if (present.length <= MAX_NAMES) return `${said}; there is ${present.join(", ")}`;
  const near = nearest(name, present);
  if (near !== undefined) return `${said}: did you mean ${near}?`;
  return `${said}; there is ${present.slice(0, MAX_NAMES).join(", ")} and ${present.length - MAX_NAMES} more`;
}
