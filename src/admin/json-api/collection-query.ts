import { SluiceError } from "../../errors/sluice-error.ts";
import type { Query } from "../http/route.ts";
import type { Document, Resource } from "./document.ts";

/**
 * What every GET can be asked besides: `fields[servers]=state,statistics/connections` leaves the rest out,
 * `filter=/attributes/state="Down"` keeps the elements that have that value, `page[size]` and `page[number]` take a part.
 */
export function shapeDocument(document: Document, query: Query): Document {
  const { data } = document;
  if (data === undefined || query.parts.length === 0) return document;
  if (!isList(data)) return { ...document, data: pick(data, query) };
  const kept = paged(filtered(data, query), query);
  return { ...document, data: kept.map((resource) => pick(resource, query)) };
}

function filtered(data: readonly Resource[], query: Query): readonly Resource[] {
  const filter = query.get("filter");
  if (filter === undefined || filter === "") return data;
  const equals = filter.indexOf("=");
  const pointer = filter.slice(0, equals);
  if (equals < 0 || !pointer.startsWith("/")) throw invalid(filter);
  const wanted = JSON.stringify(parseJson(filter.slice(equals + 1), filter));
  return data.filter((resource) => JSON.stringify(valueAt(resource, pointer)) === wanted);
}

function paged(data: readonly Resource[], query: Query): readonly Resource[] {
  const size = Number(query.get("page[size]"));
  if (!Number.isSafeInteger(size) || size <= 0) return data;
  const number = Number(query.get("page[number]") ?? 0);
  const first = Number.isSafeInteger(number) && number > 0 ? number * size : 0;
  return data.slice(first, first + size);
}

function pick(resource: Resource, query: Query): Resource {
  const fields = query.get(`fields[${resource.type}]`);
  if (fields === undefined) return resource;
  const paths = fields.split(",").map((field) => field.split("/").filter((part) => part !== ""));
  const { relationships } = resource;
  return {
    ...resource,
    attributes: only(resource.attributes, paths),
    ...(relationships === undefined
      ? {}
      : {
          relationships: only(relationships, paths) as NonNullable<Resource["relationships"]>,
        }),
  };
}

function only(value: object, paths: readonly (readonly string[])[]): Readonly<Record<string, unknown>> {
  return Object.fromEntries(
    Object.entries(value).flatMap(([key, inner]): [string, unknown][] => {
      const below = paths.filter(([first]) => first === key).map((path) => path.slice(1));
      if (below.length === 0) return [];
      const isWhole = below.some((path) => path.length === 0) || typeof inner !== "object" || inner === null;
      return [[key, isWhole || Array.isArray(inner) ? inner : only(inner, below)]];
    }),
  );
}

/** RFC 6901. */
function valueAt(value: unknown, pointer: string): unknown {
  let found = value;
  for (const part of pointer.slice(1).split("/")) {
    const key = part.replaceAll("~1", "/").replaceAll("~0", "~");
    if (typeof found !== "object" || found === null || !Object.hasOwn(found, key)) return undefined;
    found = (found as Record<string, unknown>)[key];
  }
  return found;
}

function parseJson(text: string, filter: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw invalid(filter);
  }
}

function invalid(filter: string): SluiceError {
  const message = `filter: found ${filter}; expected a JSON pointer, = and a JSON value, such as /attributes/state="Down"`;
  return new SluiceError("REQUEST_INVALID", message);
}

function isList(data: Resource | readonly Resource[]): data is readonly Resource[] {
  return Array.isArray(data);
}
