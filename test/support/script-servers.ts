import type { ScriptServer } from "../../src/monitor/script/script-variables.ts";
import { type ServerState, UNKNOWN_STATE } from "../../src/topology/state.ts";

/** A running server of a monitor, without a role unless told otherwise. */
export function aScriptServer(
  name: string,
  host: string,
  state: Partial<ServerState> = {},
  sources: readonly string[] = [],
): ScriptServer {
  return {
    name,
    endpoint: host.startsWith("/") ? { kind: "socket", path: host } : { kind: "tcp", host, port: 3306 },
    state: { ...UNKNOWN_STATE, liveness: "running", ...state },
    sources,
  };
}
