import type { PublisherObject } from "../../config/configuration.ts";
import { SluiceError } from "../../errors/sluice-error.ts";
import type { Route } from "../http/route.ts";
import { type Links, linksOf } from "../json-api/body.ts";
import { newParameters, parametersDocument } from "../json-api/parameters.ts";
import { type ObjectType, objectRoutes, sourceOf } from "./object-type.ts";

/** What a publisher tells of: one of these, under its parameter. */
const SUBJECTS = [
  ["servers", "server"],
  ["services", "service"],
  ["monitors", "monitor"],
] as const;

const STATES = { running: "Running", failed: "Failed", "not started": "Not started" } as const;

const PUBLISHERS: ObjectType<PublisherObject> = {
  type: "publishers",
  kind: "publisher",
  linkedTo: SUBJECTS.map(([type]) => type),
  objects: (configuration) => configuration.publishers,
  resource: (publisher, control, make) => {
    const { name, module } = publisher;
    const status = control.publishers().get(name);
    const attributes = {
      module,
      state: STATES[status?.state ?? "not started"],
      state_details: status?.reason ?? null,
      tells: status?.tells ?? null,
      parameters: parametersDocument(publisher),
      source: sourceOf(publisher),
    };
    const related = SUBJECTS.map(([type, parameter]): [string, readonly string[]] => [
      type,
      [publisher.parameters[parameter] ?? []].flat(),
    ]);
    const path = `publishers/${encodeURIComponent(name)}`;
    return make.resource(path, "publishers", attributes, Object.fromEntries(related));
  },
  create: (_configuration, name, body) => {
    const { module, parameters = {} } = body.data.attributes ?? {};
    const own = newParameters("publisher", { ...(module === undefined ? {} : { module }), ...parameters });
    const linked = new Map<string, string>();
    for (const [parameter, subject] of subjects(linksOf(body))) {
      if (subject !== null) linked.set(parameter, subject);
    }
    return [{ action: "create", kind: "publisher", name, parameters: new Map([...linked, ...own]) }];
  },
  relink: (_configuration, publisher, links) => {
    const changed = [...subjects(links)].filter(
      ([parameter, name]) => (publisher.parameters[parameter] ?? null) !== name,
    );
    if (changed.length === 0) return [];
    return [{ action: "alter", kind: "publisher", name: publisher.name, parameters: new Map(changed) }];
  },
};

export const PUBLISHER_ROUTES: readonly Route[] = objectRoutes(PUBLISHERS);

function subjects(links: Links): ReadonlyMap<(typeof SUBJECTS)[number][1], string | null> {
  return new Map(
    SUBJECTS.flatMap(([type, parameter]) => {
      const names = links.get(type);
      if (names === undefined) return [];
      if (names.length > 1) {
        throw new SluiceError(
          "REQUEST_INVALID",
          `data.relationships.${type}: a publisher tells of one ${parameter}`,
        );
      }
      return [[parameter, names[0] ?? null] as const];
    }),
  );
}
