import type { Configuration, ConfigurationObject } from "../../config/configuration.ts";
import type { Edit } from "../../config/edit-sections.ts";
import { SluiceError } from "../../errors/sluice-error.ts";
import { listenersOf, targetsOf, type Usage, usersOf } from "./relations.ts";

/** An object that can be destroyed: all but [sluice]. */
export type Destroyable = Exclude<ConfigurationObject, { kind: "sluice" }>;

/**
 * Everything that has to change for an object to go. As in MaxScale, one that is linked stays (REFUSED, naming to what), and `force`
 * unlinks it first; a service's listeners go with it. What tells others of it (a publisher) is never destroyed along with it.
 */
export function destroyEdits(
  configuration: Configuration,
  object: Destroyable,
  force: boolean,
): readonly Edit[] {
  const { kind, name } = object;
  const destroy: Edit = { action: "destroy", kind, name };
  const listeners = kind === "service" ? listenersOf(configuration, name) : [];
  const users = usersOf(configuration, kind, name).filter(({ object: user }) => user.kind !== "listener");
  const ties = [
    ...ownLinks(configuration, object),
    ...listeners.map((l) => `listener ${l}`),
    ...users.map(title),
  ];
  if (ties.length === 0) return [destroy];
  const publishers = users.filter(({ object: user }) => user.kind === "publisher");
  if (!force || publishers.length > 0) {
    const list = (force ? publishers.map(title) : ties).join(", ");
    const right = force ? "destroy that first" : "unlink it first, or destroy it by force";
    throw new SluiceError("REFUSED", `the ${kind} ${name} is linked to ${list}; ${right}`);
  }
  return [
    ...users.map((user) => unlinkEdit(user, name)),
    ...listeners.map((listener): Edit => ({ action: "destroy", kind: "listener", name: listener })),
    destroy,
  ];
}

/** What the object itself names; what a server, listener or publisher names does not stand against it. */
function ownLinks(configuration: Configuration, object: Destroyable): readonly string[] {
  switch (object.kind) {
    case "monitor":
      return object.parameters.servers.map((server) => `server ${server}`);
    case "service": {
      const { servers, services, monitors } = targetsOf(configuration, object);
      if (monitors.length > 0) return monitors.map((monitor) => `monitor ${monitor}`);
      return [
        ...servers.map((server) => `server ${server}`),
        ...services.map((service) => `service ${service}`),
      ];
    }
    case "server":
    case "listener":
    case "publisher":
      return [];
  }
}

function unlinkEdit({ object, parameters }: Usage, name: string): Edit {
  const values = object.parameters as Readonly<Record<string, unknown>>;
  return {
    action: "alter",
    kind: object.kind,
    name: object.name,
    parameters: new Map(
      parameters.map((parameter): [string, string | null] => {
        const value = values[parameter];
        const rest = Array.isArray(value) ? value.filter((other) => other !== name) : [];
        return [parameter, rest.length === 0 ? null : rest.join(",")];
      }),
    ),
  };
}

function title({ object }: Usage): string {
  return `${object.kind} ${object.name}`;
}
