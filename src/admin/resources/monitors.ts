import type { MonitorObject } from "../../config/configuration.ts";
import type { Control } from "../control.ts";
import { followersOf, isSameList } from "../edits/relations.ts";
import type { Route } from "../http/route.ts";
import { type Links, linksOf } from "../json-api/body.ts";
import type { ParameterTexts } from "../json-api/parameters.ts";
import { newParameters, parametersDocument } from "../json-api/parameters.ts";
import { type ObjectType, objectRoutes, sourceOf } from "./object-type.ts";
import { replicationState } from "./servers.ts";
import { startStopRoutes } from "./start-stop.ts";

const MONITORS: ObjectType<MonitorObject> = {
  type: "monitors",
  kind: "monitor",
  linkedTo: ["servers"],
  objects: (configuration) => configuration.monitors,
  resource: (monitor, control, make) => {
    const { name, module, parameters } = monitor;
    const status = control.monitors().get(name);
    const attributes = {
      module,
      state: status?.running === true ? "Running" : "Stopped",
      ticks: status?.ticks ?? 0,
      parameters: parametersDocument(monitor),
      monitor_diagnostics: diagnosticsOf(monitor, control),
      source: sourceOf(monitor),
    };
    return make.resource(`monitors/${encodeURIComponent(name)}`, "monitors", attributes, {
      servers: parameters.servers,
      services: followersOf(control.configuration(), name),
    });
  },
  create: (_configuration, name, body) => {
    const { module, parameters = {} } = body.data.attributes ?? {};
    const own = newParameters("monitor", { ...(module === undefined ? {} : { module }), ...parameters });
    const servers = linksOf(body).get("servers") ?? [];
    const linked: [string, string][] = servers.length === 0 ? [] : [["servers", servers.join(",")]];
    return [{ action: "create", kind: "monitor", name, parameters: new Map([...linked, ...own]) }];
  },
  relink: (_configuration, monitor, links) => {
    const parameters = relinked(monitor, links);
    return parameters.size === 0
      ? []
      : [{ action: "alter", kind: "monitor", name: monitor.name, parameters }];
  },
};

export const MONITOR_ROUTES: readonly Route[] = [...objectRoutes(MONITORS), ...startStopRoutes(MONITORS)];

function relinked({ parameters }: MonitorObject, links: Links): ParameterTexts {
  const servers = links.get("servers");
  if (servers === undefined || isSameList(servers, parameters.servers)) return new Map();
  return new Map([["servers", servers.length === 0 ? null : servers.join(",")]]);
}

function diagnosticsOf(
  { name, parameters }: MonitorObject,
  control: Control,
): Readonly<Record<string, unknown>> {
  const status = control.monitors().get(name);
  const facts = (server: string) => control.servers().get(server)?.facts;
  const primary = status?.primary;
  return {
    master: primary ?? null,
    master_gtid_domain_id: (primary === undefined ? undefined : facts(primary)?.gtid.domainId) ?? null,
    primary: null,
    state: "Idle",
    diagnosis: status?.diagnosis ?? null,
    server_info: parameters.servers.map((server) => ({
      name: server,
      server_id: facts(server)?.serverId ?? -1,
      state: control.servers().get(server)?.state ?? "Down",
      state_details: null,
      ...replicationState(server, control),
    })),
  };
}
