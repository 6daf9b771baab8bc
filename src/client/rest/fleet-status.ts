import { SluiceError } from "../../errors/sluice-error.ts";
import type {
  EventAttributes,
  MaxScaleAttributes,
  MonitorAttributes,
  PublisherAttributes,
  ServerAttributes,
  ServiceAttributes,
} from "./attributes.ts";
import { type AttributesOf, type Collection, fetchCollection } from "./collections.ts";
import type { Daemon } from "./daemon.ts";
import { collectionOf, type Resource, singleOf } from "./resource.ts";

/** The whole fleet as one daemon sees it at one moment. */
export interface FleetStatus {
  readonly daemon: Resource<MaxScaleAttributes>;
  readonly monitors: readonly Resource<MonitorAttributes>[];
  readonly servers: readonly Resource<ServerAttributes>[];
  readonly services: readonly Resource<ServiceAttributes>[];
  readonly publishers: readonly Resource<PublisherAttributes>[];
  /** The newest last. */
  readonly events: readonly Resource<EventAttributes>[];
}

export async function fetchFleetStatus(daemon: Daemon, lastEvents: number): Promise<FleetStatus> {
  const [whole, monitors, servers, services, publishers, events] = await Promise.all([
    daemon.get("maxscale"),
    fetchCollection(daemon, "monitors"),
    fetchCollection(daemon, "servers"),
    fetchCollection(daemon, "services"),
    ifThere(daemon, "publishers"),
    daemon.get(`events?limit=${lastEvents}`).then(collectionOf<EventAttributes>, noneThere),
  ]);
  return { daemon: singleOf(whole), monitors, servers, services, publishers, events };
}

/** MaxScale has no publishers and no events. */
function ifThere<C extends Collection>(
  daemon: Daemon,
  collection: C,
): Promise<readonly Resource<AttributesOf[C]>[]> {
  return fetchCollection(daemon, collection).catch(noneThere);
}

function noneThere(error: unknown): readonly never[] {
  if (error instanceof SluiceError && error.code === "NOT_FOUND") return [];
  throw error;
}
