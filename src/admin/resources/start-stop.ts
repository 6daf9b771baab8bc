import type { Destroyable } from "../edits/destroy.ts";
import { DONE, type Route } from "../http/route.ts";
import { type ObjectType, pick } from "./object-type.ts";

/** PUT …/start and …/stop. The configuration stays as it is. */
export function startStopRoutes<O extends Extract<Destroyable, { kind: "monitor" | "service" | "listener" }>>(
  type: ObjectType<O>,
): readonly Route[] {
  return [route(type, "start"), route(type, "stop")];
}

function route<O extends Extract<Destroyable, { kind: "monitor" | "service" | "listener" }>>(
  type: ObjectType<O>,
  action: "start" | "stop",
): Route {
  return {
    method: "PUT",
    path: `/v1/${type.type}/:name/${action}`,
    summary: `${action === "start" ? "Starts" : "Stops"} a ${type.kind}; its configuration stays.`,
    access: "write",
    ...(action === "stop" ? { query: { force: "yes: end its sessions too" } } : {}),
    answer: "nothing",
    handle: async (exchange, { control }) => {
      const { kind, name } = pick(type, exchange, control);
      await control.setRunning(kind, name, action === "start", exchange.query.isSet("force"));
      return DONE;
    },
  };
}
