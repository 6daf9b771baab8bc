import type { ListenerObject } from "../../config/configuration.ts";
import { SluiceError } from "../../errors/sluice-error.ts";
import type { Control, ListenerStatus } from "../control.ts";
import type { Route } from "../http/route.ts";
import { type Links, linksOf } from "../json-api/body.ts";
import type { Resource, ResourceFactory } from "../json-api/document.ts";
import { newParameters, parametersDocument } from "../json-api/parameters.ts";
import { certificatesOf } from "./certificates.ts";
import { type ObjectType, objectRoutes, sourceOf } from "./object-type.ts";
import { startStopRoutes } from "./start-stop.ts";

const STATES: Readonly<Record<ListenerStatus["state"], string>> = {
  running: "Running",
  stopped: "Stopped",
  failed: "Failed",
  "not started": "Not started",
};

export const LISTENERS: ObjectType<ListenerObject> = {
  type: "listeners",
  kind: "listener",
  linkedTo: ["services"],
  objects: (configuration) => configuration.listeners,
  resource: listenerResource,
  create: (_configuration, name, body) => {
    const service = onlyService(linksOf(body));
    const own = newParameters("listener", body.data.attributes?.parameters ?? {});
    const linked: [string, string][] = service === undefined ? [] : [["service", service]];
    return [{ action: "create", kind: "listener", name, parameters: new Map([...linked, ...own]) }];
  },
  relink: (_configuration, { name, parameters }, links) => {
    const service = onlyService(links);
    if (service === undefined || service === parameters.service) return [];
    return [{ action: "alter", kind: "listener", name, parameters: new Map([["service", service]]) }];
  },
};

export const LISTENER_ROUTES: readonly Route[] = [...objectRoutes(LISTENERS), ...startStopRoutes(LISTENERS)];

export function listenerResource(
  listener: ListenerObject,
  control: Control,
  make: ResourceFactory,
): Resource {
  const { name, parameters } = listener;
  const status = control.listeners().get(name);
  const attributes = {
    state: STATES[status?.state ?? "not started"],
    state_details: status?.reason ?? null,
    certificates: certificatesOf(control, "listener", name),
    parameters: parametersDocument(listener),
    source: sourceOf(listener),
  };
  return make.resource(`listeners/${encodeURIComponent(name)}`, "listeners", attributes, {
    services: [parameters.service],
  });
}

function onlyService(links: Links): string | undefined {
  const services = links.get("services");
  if (services === undefined) return undefined;
  const [service, ...more] = services;
  if (service !== undefined && more.length === 0) return service;
  throw new SluiceError("REQUEST_INVALID", "data.relationships.services: a listener leads to one service");
}
