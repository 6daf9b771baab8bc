/** JSON:API documents (https://jsonapi.org), in the shapes that MaxScale's clients know. */

export interface Resource {
  readonly id: string;
  readonly type: string;
  readonly attributes: Readonly<Record<string, unknown>>;
  readonly relationships?: Readonly<Record<string, Relationship>>;
  readonly links: { readonly self: string };
}

export interface Relationship {
  readonly data: readonly Identifier[];
  readonly links: { readonly related: string; readonly self: string };
}

export interface Identifier {
  readonly id: string;
  readonly type: string;
}

export interface Document {
  readonly data?: Resource | readonly Resource[];
  readonly meta?: unknown;
  readonly links: Readonly<Record<string, string>>;
}

/** Makes the resources of one answer; its links begin with what the client called us (`http://host:8989/v1`). */
export class ResourceFactory {
  readonly #base: string;

  constructor(base: string) {
    this.#base = base;
  }

  /** `path` is where the resource is found, without the version: `servers/db1`. Relationships without data are left out. */
  resource(
    path: string,
    type: string,
    attributes: Resource["attributes"],
    related: Readonly<Record<string, readonly string[]>> = {},
  ): Resource {
    const self = this.link(path);
    const relationships = Object.entries(related)
      .filter(([, ids]) => ids.length > 0)
      .map(([to, ids]): [string, Relationship] => [to, this.#relationship(self, to, ids)]);
    return {
      id: decodeURIComponent(path.slice(path.lastIndexOf("/") + 1)),
      type,
      attributes,
      ...(Object.keys(related).length === 0 ? {} : { relationships: Object.fromEntries(relationships) }),
      links: { self },
    };
  }

  get root(): string {
    return `${this.#base}/`;
  }

  link(path: string): string {
    return `${this.#base}/${path}/`;
  }

  #relationship(self: string, to: string, ids: readonly string[]): Relationship {
    return {
      data: ids.map((id) => ({ id, type: to })),
      links: { related: this.link(to), self: `${self}relationships/${to}/` },
    };
  }
}

/** A time as MaxScale prints it, e.g. `Fri, 21 Jul 2023 06:46:32 GMT`; null where it has not happened. */
export function dateString(time: number | undefined): string | null {
  return time === undefined ? null : new Date(time).toUTCString();
}
