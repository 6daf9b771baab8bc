import type { ProbeFailureCode } from "../topology/observation.ts";
import { type AdminStatus, type ServerState, UNKNOWN_STATE } from "../topology/state.ts";
import {
  type Assignment,
  because,
  type ModuleState,
  type MonitorModule,
  noRole,
  type ServerInput,
  type ServerView,
} from "./modules/monitor-module.ts";
import { isReadOnly, viewServers } from "./modules/server-view.ts";

export interface FleetJudgement {
  /** To be passed in as `previous` the next time. */
  readonly state: ModuleState;
  /** By name, in the order of the inputs. */
  readonly servers: ReadonlyMap<string, ServerState>;
  readonly primary: string | null;
  /** One sentence on the whole cluster, for a person (no full stop). */
  readonly diagnosis: string;
}

/**
 * The state of every server of a monitor from what each of them said last. Pure, and stable: judging the same inputs
 * again changes nothing. What holds for every kind of cluster is decided here, after the module: a server that is down
 * or in maintenance has no role, whatever the module found.
 */
export function judgeFleet<Options>(
  module: MonitorModule<Options>,
  previous: ModuleState,
  inputs: readonly ServerInput[],
  options: Options,
  now: number,
): FleetJudgement {
  const views = viewServers(inputs, previous);
  const { assignments, state, diagnosis } = module.assign({ views, previous, options, now });
  const servers = new Map(
    views.map((view) => [view.name, Object.freeze(serverState(view, assignments.get(view.name)))]),
  );
  const primary = [...servers].find(([, server]) => server.role === "primary")?.[0] ?? null;
  return { state: { ...state, servers: views.map((view) => view.memory) }, servers, primary, diagnosis };
}

function serverState(view: ServerView, assignment: Assignment | undefined): ServerState {
  const { input, facts } = view;
  const admin = adminStatus(input);
  if (facts === undefined) return { ...downState(input), admin };
  return {
    ...overruled(view, assignment),
    liveness: "running",
    authError: facts.channels === "denied",
    admin,
    readOnly: isReadOnly(facts.readOnly),
  };
}

/** The module's assignment, or what overrules it. */
function overruled(view: ServerView, assignment: Assignment | undefined): Assignment {
  const galera = assignment?.galera ?? "none";
  if (view.input.admin === "maintenance") {
    return noRole(because("MAINTENANCE", "in maintenance, set by a person"), galera);
  }
  if (view.facts?.readOnly.offlineMode === true) {
    return noRole(because("OFFLINE_MODE", "offline_mode is ON: clients are turned away"), galera);
  }
  return assignment ?? noRole(UNKNOWN_STATE.cause);
}

const AUTH_FAILURES: ReadonlySet<ProbeFailureCode> = new Set<ProbeFailureCode>([
  "PROBE_AUTH_DENIED",
  "PROBE_HOST_NOT_ALLOWED",
  "PROBE_PRIVILEGE_MISSING",
]);

function downState({ observation }: ServerInput): ServerState {
  if (observation === undefined || observation.reached) return UNKNOWN_STATE;
  const { code, detail } = observation.failure;
  return {
    ...UNKNOWN_STATE,
    authError: AUTH_FAILURES.has(code),
    cause: because(code, detail),
  };
}

function adminStatus({ admin, openConnections }: ServerInput): AdminStatus {
  if (admin !== "drain") return admin;
  return openConnections > 0 ? "draining" : "drained";
}
