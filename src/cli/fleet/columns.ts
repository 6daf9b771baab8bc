import type { AttributesOf, Collection } from "../../client/rest/collections.ts";
import { type Resource, related } from "../../client/rest/resource.ts";
import { cellText } from "./printable.ts";

/** One column of a list, or one line of a sheet. */
export interface Column<C extends Collection> {
  readonly title: string;
  readonly value: (resource: Resource<AttributesOf[C]>) => unknown;
}

export const titles = (columns: readonly { readonly title: string }[]): readonly string[] =>
  columns.map(({ title }) => title);

export function rowsOf<C extends Collection>(
  columns: readonly Column<C>[],
  resources: readonly Resource<AttributesOf[C]>[],
): readonly (readonly string[])[] {
  return resources.map((resource) => columns.map(({ value }) => cellText(value(resource))));
}

/** Links of a resource as a cell. */
export const linked =
  (...types: readonly string[]) =>
  (resource: Resource): readonly string[] =>
    types.flatMap((type) => related(resource, type));
