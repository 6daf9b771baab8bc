import type { Configuration } from "../../config/configuration.ts";
import type { Edit } from "../../config/edit-sections.ts";
import { SluiceError } from "../../errors/sluice-error.ts";
import type { Links } from "../json-api/body.ts";
import { withServer } from "./link-service.ts";
import { monitorsOf } from "./relations.ts";

/** What has to change in monitors and services for a server to belong to those of `links`, and to no others of that type. */
export function serverLinkEdits(configuration: Configuration, server: string, links: Links): readonly Edit[] {
  return [
    ...monitorEdits(configuration, server, links.get("monitors")),
    ...serviceEdits(configuration, server, links.get("services")),
  ];
}

function monitorEdits(
  configuration: Configuration,
  server: string,
  wanted: readonly string[] | undefined,
): readonly Edit[] {
  if (wanted === undefined) return [];
  const present = monitorsOf(configuration, server);
  return differing(present, wanted).map((name) => {
    const monitor = configuration.monitors.get(name);
    if (monitor === undefined) throw missing("monitor", name);
    const { servers } = monitor.parameters;
    const next = wanted.includes(name) ? [...servers, server] : servers.filter((other) => other !== server);
    return alter("monitor", name, new Map([["servers", next.length === 0 ? null : next.join(",")]]));
  });
}

function serviceEdits(
  configuration: Configuration,
  server: string,
  wanted: readonly string[] | undefined,
): readonly Edit[] {
  if (wanted === undefined) return [];
  for (const name of wanted) if (!configuration.services.has(name)) throw missing("service", name);
  return [...configuration.services.values()].flatMap((service): Edit[] => {
    const parameters = withServer(configuration, service, server, wanted.includes(service.name));
    return parameters === undefined ? [] : [alter("service", service.name, parameters)];
  });
}

function differing(present: readonly string[], wanted: readonly string[]): readonly string[] {
  return [
    ...present.filter((name) => !wanted.includes(name)),
    ...wanted.filter((name) => !present.includes(name)),
  ];
}

function alter(
  kind: "monitor" | "service",
  name: string,
  parameters: ReadonlyMap<string, string | null>,
): Edit {
  return { action: "alter", kind, name, parameters };
}

function missing(kind: string, name: string): SluiceError {
  return new SluiceError("NOT_FOUND", `there is no ${kind} called ${name}`);
}
