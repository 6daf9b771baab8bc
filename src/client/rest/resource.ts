import { SluiceError } from "../../errors/sluice-error.ts";

/** A JSON:API resource. Attributes are as the daemon gave them: each may be missing or null, as between versions. */
export interface Resource<A extends object = object> {
  readonly id: string;
  readonly type: string;
  readonly attributes: Partial<{ readonly [K in keyof A]: A[K] | null }>;
  readonly relationships: Readonly<Record<string, readonly string[]>>;
}

/** The names a resource is linked to: `related(server, "monitors")`. */
export function related(resource: Resource, type: string): readonly string[] {
  return Object.hasOwn(resource.relationships, type) ? (resource.relationships[type] ?? []) : [];
}

/** The resources of a collection's document. */
export function collectionOf<A extends object>(document: unknown): readonly Resource<A>[] {
  const data = dataOf(document);
  if (!Array.isArray(data)) throw notOurs("a list of resources is missing");
  return data.map((one) => resourceOf<A>(one));
}

/** The one resource of a document. */
export function singleOf<A extends object>(document: unknown): Resource<A> {
  return resourceOf<A>(dataOf(document));
}

const dataOf = (document: unknown): unknown => record(document)["data"];

function resourceOf<A extends object>(value: unknown): Resource<A> {
  const { id, type, attributes, relationships } = record(value);
  if (typeof id !== "string" && typeof id !== "number") throw notOurs("a resource has no id");
  const related = Object.entries(record(relationships ?? {}));
  return {
    id: String(id),
    type: String(type ?? ""),
    attributes: record(attributes ?? {}) as Resource<A>["attributes"],
    relationships: Object.fromEntries(related.map(([name, one]) => [name, identifiersOf(one)])),
  };
}

function identifiersOf(relationship: unknown): readonly string[] {
  const { data } = record(relationship);
  return Array.isArray(data) ? data.map((one) => String(record(one)["id"])) : [];
}

function record(value: unknown): Readonly<Record<string, unknown>> {
  if (typeof value === "object" && value !== null && !Array.isArray(value)) {
    return value as Readonly<Record<string, unknown>>;
  }
  throw notOurs("an object was expected");
}

const notOurs = (what: string): SluiceError =>
  new SluiceError(
    "API_UNREACHABLE",
    `the answer is not what Sluice or MaxScale gives (${what}): see which program --hosts leads to`,
  );
