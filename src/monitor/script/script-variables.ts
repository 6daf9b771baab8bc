import type { Endpoint } from "../../topology/endpoint.ts";
import { isReplica, isSynced, type ServerState } from "../../topology/state.ts";
import type { ScriptVariables } from "./command-line.ts";
import type { ServerChange } from "./server-change.ts";

/** A server of the monitor, as it is after the change. */
export interface ScriptServer {
  readonly name: string;
  readonly endpoint: Endpoint;
  readonly state: ServerState;
  /** Names of the servers of this monitor that it replicates from. */
  readonly sources: readonly string[];
}

/**
 * What MaxScale's placeholders stand for: addresses are `[address]:port`, lists have commas between them and no blanks,
 * and what does not exist is an empty text.
 */
export function scriptVariables(change: ServerChange, servers: readonly ScriptServer[]): ScriptVariables {
  const list = (holds: (server: ScriptServer) => boolean): string =>
    servers.filter(holds).map(formatServer).join(",");
  const initiator = servers.find(({ name }) => name === change.server);
  const parent = servers.find(({ name }) => initiator?.sources.includes(name));
  return {
    INITIATOR: initiator === undefined ? "" : formatServer(initiator),
    PARENT: parent === undefined ? "" : formatServer(parent),
    CHILDREN: list(({ sources }) => sources.includes(change.server)),
    EVENT: change.name,
    LIST: list(() => true),
    NODELIST: list(({ state }) => state.liveness === "running"),
    MASTERLIST: list(({ state }) => state.role === "primary"),
    SLAVELIST: list(({ state }) => isReplica(state)),
    SYNCEDLIST: list(({ state }) => isSynced(state)),
  };
}

// MaxScale puts brackets round every address. A socket has no port to follow.
function formatServer({ endpoint }: ScriptServer): string {
  return endpoint.kind === "tcp" ? `[${endpoint.host}]:${endpoint.port}` : `[${endpoint.path}]`;
}
