import type { ServiceObject } from "../../config/configuration.ts";
import { SluiceError } from "../../errors/sluice-error.ts";
import type { Control } from "../control.ts";
import { relinkedParameters, targetParameters } from "../edits/link-service.ts";
import { listenersOf, targetsOf } from "../edits/relations.ts";
import { DONE, type Exchange, found, type Route } from "../http/route.ts";
import { linksOf, OBJECT_BODY, parseBody } from "../json-api/body.ts";
import { dateString, type Resource, type ResourceFactory } from "../json-api/document.ts";
import { newParameters, parametersDocument } from "../json-api/parameters.ts";
import { LISTENERS, listenerResource } from "./listeners.ts";
import { create, type ObjectType, objectRoutes, pick, sourceOf } from "./object-type.ts";
import { startStopRoutes } from "./start-stop.ts";

const SERVICES: ObjectType<ServiceObject> = {
  type: "services",
  kind: "service",
  linkedTo: ["servers", "services", "monitors", "filters"],
  objects: (configuration) => configuration.services,
  resource: (service, control, make) => {
    const configuration = control.configuration();
    const { servers, services, monitors } = targetsOf(configuration, service);
    const related = { servers, services, monitors, listeners: listenersOf(configuration, service.name) };
    const path = `services/${encodeURIComponent(service.name)}`;
    return make.resource(path, "services", attributesOf(service, control, make), related);
  },
  create: (_configuration, name, body) => {
    const { router, parameters = {} } = body.data.attributes ?? {};
    const own = newParameters("service", { ...(router === undefined ? {} : { router }), ...parameters });
    const linked = targetParameters(linksOf(body));
    return [{ action: "create", kind: "service", name, parameters: new Map([...linked, ...own]) }];
  },
  relink: (configuration, service, links) => {
    const parameters = relinkedParameters(configuration, service, links);
    return parameters.size === 0
      ? []
      : [{ action: "alter", kind: "service", name: service.name, parameters }];
  },
};

export const SERVICE_ROUTES: readonly Route[] = [
  ...objectRoutes(SERVICES),
  ...startStopRoutes(SERVICES),
  {
    method: "POST",
    path: "/v1/services/:name/reload",
    summary: "Fetches the accounts of the service's clients anew.",
    access: "write",
    answer: "nothing",
    handle: async (exchange, { control }) => {
      await control.reloadAccounts(pick(SERVICES, exchange, control).name);
      return DONE;
    },
  },
  // MaxScale's client asks through the service whether a listener belongs to it before it destroys one.
  {
    method: "GET",
    path: "/v1/services/:name/listeners",
    summary: "The listeners of a service.",
    access: "read",
    answer: "document",
    handle: (exchange, { control }) => {
      const { name } = pick(SERVICES, exchange, control);
      const self = exchange.make.link(`services/${encodeURIComponent(name)}/listeners`);
      return found({ data: listenersIn(name, control, exchange.make), links: { self } });
    },
  },
  {
    method: "GET",
    path: "/v1/services/:name/listeners/:listener",
    summary: "One listener of a service.",
    access: "read",
    answer: "document",
    handle: (exchange, { control }) => {
      const data = listenerOf(exchange, control);
      return found({ data, links: data.links });
    },
  },
  {
    method: "POST",
    path: "/v1/services/:name/listeners",
    summary: "Creates a listener of a service.",
    access: "write",
    body: OBJECT_BODY,
    answer: "nothing",
    handle: async (exchange, { control }) => {
      const { name } = pick(SERVICES, exchange, control);
      const body = parseBody(OBJECT_BODY, exchange.body);
      const relationships = { ...body.data.relationships, services: { data: [{ id: name }] } };
      await create(LISTENERS, { data: { ...body.data, relationships } }, control);
      return DONE;
    },
  },
  {
    method: "DELETE",
    path: "/v1/services/:name/listeners/:listener",
    summary: "Destroys a listener of a service.",
    access: "write",
    answer: "nothing",
    handle: async (exchange, { control }) => {
      const { id } = listenerOf(exchange, control);
      await control.apply([{ action: "destroy", kind: "listener", name: id }]);
      return DONE;
    },
  },
];

function attributesOf(
  service: ServiceObject,
  control: Control,
  make: ResourceFactory,
): Resource["attributes"] {
  const { name, module } = service;
  const status = control.services().get(name);
  const { current = 0, total = 0, max = 0 } = status?.connections ?? {};
  return {
    router: module,
    state: status?.running === true ? "Started" : "Stopped",
    started: dateString(status?.startedAt),
    parameters: parametersDocument(service),
    router_diagnostics: status?.diagnostics ?? {},
    statistics: {
      connections: current,
      total_connections: total,
      max_connections: max,
      active_operations: status?.activeOperations ?? 0,
      failed_auths: 0,
      routed_packets: 0,
    },
    // As older clients know them.
    connections: current,
    total_connections: total,
    listeners: listenersIn(name, control, make),
    users: status?.users ?? [],
    users_last_update: dateString(status?.usersUpdatedAt),
    source: sourceOf(service),
  };
}

function listenersIn(service: string, control: Control, make: ResourceFactory): readonly Resource[] {
  return [...control.configuration().listeners.values()]
    .filter(({ parameters }) => parameters.service === service)
    .map((listener) => listenerResource(listener, control, make));
}

function listenerOf(exchange: Exchange, control: Control): Resource {
  const { name } = pick(SERVICES, exchange, control);
  const wanted = exchange.params["listener"] ?? "";
  const listener = listenersIn(name, control, exchange.make).find(({ id }) => id === wanted);
  if (listener !== undefined) return listener;
  throw new SluiceError("NOT_FOUND", `the service ${name} has no listener called ${wanted}`);
}
