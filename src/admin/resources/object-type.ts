import type { Configuration, ConfigurationObject } from "../../config/configuration.ts";
import type { Edit } from "../../config/edit-sections.ts";
import { formatPlace } from "../../config/problem.ts";
import type { SectionKind } from "../../config/schema/schemas.ts";
import { SluiceError } from "../../errors/sluice-error.ts";
import type { Control } from "../control.ts";
import { type Destroyable, destroyEdits } from "../edits/destroy.ts";
import { DONE, type Exchange, found, type Route } from "../http/route.ts";
import {
  checkIdentity,
  identifiers,
  type Links,
  linksOf,
  nameOf,
  OBJECT_BODY,
  type ObjectBody,
  parseBody,
  RELATIONSHIP_BODY,
} from "../json-api/body.ts";
import type { Resource, ResourceFactory } from "../json-api/document.ts";
import { changedParameters } from "../json-api/parameters.ts";

/** One type of object of the configuration, and what is its own in the API; the routes are the same for all. */
export interface ObjectType<O extends Destroyable = Destroyable> {
  /** In URLs, and as JSON:API's type: `servers`. */
  readonly type: string;
  readonly kind: SectionKind;
  objects(configuration: Configuration): ReadonlyMap<string, O>;
  resource(object: O, control: Control, make: ResourceFactory): Resource;
  /** All edits that it takes to create it, linked to what the body says. */
  create(configuration: Configuration, name: string, body: ObjectBody): readonly Edit[];
  /** Edits that link it to exactly what is given; what is not given stays. An edit of the object itself is its first. */
  relink(configuration: Configuration, object: O, links: Links): readonly Edit[];
  /** What it can be linked to, as JSON:API types. */
  readonly linkedTo: readonly string[];
}

const FORCE = { force: "yes: unlink it first" };

/** GET, POST, PATCH and DELETE of one type of object. */
export function objectRoutes<O extends Destroyable>(type: ObjectType<O>): readonly Route[] {
  const { type: plural, kind } = type;
  const one = `/v1/${plural}/:name`;
  return [
    {
      method: "GET",
      path: `/v1/${plural}`,
      summary: `All ${plural}.`,
      access: "read",
      answer: "document",
      handle: ({ make }, { control }) => {
        const objects = [...type.objects(control.configuration()).values()];
        return found({
          data: objects.map((object) => type.resource(object, control, make)),
          links: { self: make.link(plural) },
        });
      },
    },
    {
      method: "GET",
      path: one,
      summary: `One ${kind}.`,
      access: "read",
      answer: "document",
      handle: (exchange, { control }) => {
        const data = type.resource(pick(type, exchange, control), control, exchange.make);
        return found({ data, links: data.links });
      },
    },
    {
      method: "POST",
      path: `/v1/${plural}`,
      summary: `Creates a ${kind}, linked to what the body's relationships name.`,
      access: "write",
      body: OBJECT_BODY,
      answer: "nothing",
      handle: async (exchange, { control }) => {
        await create(type, parseBody(OBJECT_BODY, exchange.body), control);
        return DONE;
      },
    },
    {
      method: "PATCH",
      path: one,
      summary: `Changes parameters of a ${kind} (null: back to the default), and what it is linked to.`,
      access: "write",
      body: OBJECT_BODY,
      answer: "nothing",
      handle: async (exchange, { control }) => {
        const object = pick(type, exchange, control);
        const body = parseBody(OBJECT_BODY, exchange.body);
        checkIdentity(body, plural, object.name);
        await change(type, object, body, control);
        return DONE;
      },
    },
    {
      method: "PATCH",
      path: `${one}/relationships/:type`,
      summary: `Links a ${kind} to exactly the given objects of one type.`,
      access: "write",
      body: RELATIONSHIP_BODY,
      answer: "nothing",
      handle: async (exchange, { control }) => {
        const object = pick(type, exchange, control);
        const to = exchange.params["type"] ?? "";
        if (!type.linkedTo.includes(to)) {
          const possible = type.linkedTo.join(", ");
          throw new SluiceError("NOT_FOUND", `a ${kind} is not linked to ${to}; possible: ${possible}`);
        }
        const { data } = parseBody(RELATIONSHIP_BODY, exchange.body);
        const links = new Map([[to, identifiers(data)]]);
        await apply(type.relink(control.configuration(), object, links), control);
        return DONE;
      },
    },
    {
      method: "DELETE",
      path: one,
      summary: `Destroys a ${kind} that is linked to nothing.`,
      access: "write",
      query: FORCE,
      answer: "nothing",
      handle: async (exchange, { control }) => {
        const object = pick(type, exchange, control);
        await apply(destroyEdits(control.configuration(), object, exchange.query.isSet("force")), control);
        return DONE;
      },
    },
  ];
}

/** Throws NOT_FOUND. */
export function pick<O extends Destroyable>(
  { kind, objects }: Pick<ObjectType<O>, "kind" | "objects">,
  { params }: Pick<Exchange, "params">,
  control: Control,
): O {
  const name = params["name"] ?? "";
  const object = objects(control.configuration()).get(name);
  if (object === undefined) throw new SluiceError("NOT_FOUND", `there is no ${kind} called ${name}`);
  return object;
}

export async function create<O extends Destroyable>(
  type: ObjectType<O>,
  body: ObjectBody,
  control: Control,
): Promise<void> {
  const name = nameOf(body, type.type);
  const configuration = control.configuration();
  if (type.objects(configuration).has(name)) {
    throw new SluiceError("ALREADY_EXISTS", `there is a ${type.kind} called ${name} already`);
  }
  await apply(type.create(configuration, name, body), control);
}

async function change<O extends Destroyable>(
  type: ObjectType<O>,
  object: O,
  body: ObjectBody,
  control: Control,
): Promise<void> {
  const { module, router, parameters = {} } = body.data.attributes ?? {};
  const repeated = {
    ...(module === undefined ? {} : { module }),
    ...(router === undefined ? {} : { router }),
  };
  const own = changedParameters(object, { ...repeated, ...parameters });
  const links = type.relink(control.configuration(), object, linksOf(body));
  const isOwn = (edit: Edit) => edit.kind === type.kind && edit.name === object.name;
  const linked = links.find(isOwn);
  const merged = new Map([...(linked?.action === "alter" ? linked.parameters : []), ...own]);
  const alter: Edit = { action: "alter", kind: type.kind, name: object.name, parameters: merged };
  await apply([alter, ...links.filter((edit) => !isOwn(edit))], control);
}

/** An edit without parameters changes nothing. */
async function apply(edits: readonly Edit[], control: Control): Promise<void> {
  const real = edits.filter((edit) => edit.action !== "alter" || edit.parameters.size > 0);
  if (real.length > 0) await control.apply(real);
}

/** Where an object is from, as MaxScale tells it. */
export function sourceOf({ at, origin }: ConfigurationObject): Readonly<Record<string, unknown>> {
  const isStatic = origin === "file" && at !== undefined;
  return {
    type: isStatic ? "static" : "runtime",
    file: at?.file ?? null,
    ...(at === undefined ? {} : { place: formatPlace(at) }),
  };
}
