import type { GaleraState, ServerFacts } from "../topology/facts.ts";
import type { NodeRole } from "../topology/verdict.ts";
import type { Policy } from "./policy.ts";
import { type Decision, down, drain, type Rule, up } from "./rule.ts";

// State transfers during which the donor goes on serving.
const NON_BLOCKING_SST = new Set(["mariabackup", "xtrabackup", "xtrabackup-v2", "clone"]);

const JOINING = 1;
const DONOR = 2;
const JOINED = 3;
const SYNCED = 4;

/** The rules for a Galera node, in the order in which the first match decides. */
export const GALERA_RULES: readonly Rule[] = [
  rule("wsrep_on", (g) => ({
    saw: `wsrep_on = ${g.wsrepOn ? "ON" : "OFF"}`,
    ...(!g.wsrepOn && {
      decision: down("unknown", "GALERA_OFF", "wsrep_on is OFF: this is not a Galera node"),
    }),
  })),
  rule("primary component", (g) => ({
    saw: `wsrep_cluster_status = ${g.clusterStatus || "(empty)"}, cluster size ${g.clusterSize ?? "unknown"}`,
    ...(g.clusterStatus.toLowerCase() !== "primary" && {
      decision: down(
        roleOf(g),
        "GALERA_NON_PRIMARY",
        `the node is not in the primary component (wsrep_cluster_status is ${g.clusterStatus || "empty"})`,
      ),
    }),
  })),
  rule("ready", (g) => ({
    saw: `wsrep_ready = ${g.ready ? "ON" : "OFF"}`,
    ...(!g.ready && {
      decision: down(
        roleOf(g),
        "GALERA_NOT_READY",
        `wsrep_ready is OFF (state ${stateName(g)}): queries fail with error 1047`,
      ),
    }),
  })),
  rule("PXC maintenance mode", (g) => ({
    saw:
      g.pxcMaintMode === undefined
        ? "no pxc_maint_mode on this server"
        : `pxc_maint_mode = ${g.pxcMaintMode}`,
    ...(g.pxcMaintMode !== undefined &&
      g.pxcMaintMode.toUpperCase() !== "DISABLED" && {
        decision: drain(
          roleOf(g),
          "GALERA_PXC_MAINTENANCE",
          `pxc_maint_mode is ${g.pxcMaintMode}: the node is being drained`,
        ),
      }),
  })),
  rule("rejected queries", (g) => ({
    saw: `wsrep_reject_queries = ${g.rejectQueries}`,
    ...(g.rejectQueries.toUpperCase() !== "NONE" && {
      decision: down(
        roleOf(g),
        "GALERA_REJECTS_QUERIES",
        `wsrep_reject_queries is ${g.rejectQueries}: the node answers no query`,
      ),
    }),
  })),
  rule("local state", (g, policy) => {
    const decision = judgeLocalState(g, policy);
    return {
      saw: `wsrep_local_state = ${g.localState} (${stateName(g)}), available_when_donor = ${policy.availableWhenDonor}, wsrep_sst_method = ${g.sstMethod || "unknown"}`,
      ...(decision !== undefined && { decision }),
    };
  }),
  {
    name: "read-only",
    look: (facts, policy) => {
      const which = readOnlyVariable(facts);
      const saw = `${which ?? "read_only"} = ${which === undefined ? "OFF" : "ON"}, available_when_readonly = ${policy.availableWhenReadonly}`;
      if (which === undefined || policy.availableWhenReadonly) return { saw };
      return {
        saw,
        decision: down(roleOf(facts.galera), "GALERA_READ_ONLY", `${which} is ON: the node is read-only`),
      };
    },
  },
  rule("receive queue", (g, { maxTransactionsBehind: limit }) => ({
    saw: `wsrep_local_recv_queue = ${g.recvQueue}, max_transactions_behind = ${limit ?? "no limit"}`,
    ...(limit !== undefined &&
      g.recvQueue > limit && {
        decision: down(
          roleOf(g),
          "GALERA_LAGGING",
          `${g.recvQueue} write sets wait to be applied, ${limit} may`,
        ),
      }),
  })),
  rule("verdict", (g) => ({
    saw: "nothing speaks against it",
    decision:
      g.localState === SYNCED
        ? up("synced", "GALERA_SYNCED", "the Galera node is synced")
        : up("donor", "GALERA_DONOR_ACCEPTED", "the node is donor or desynced, and may serve by policy"),
  })),
];

/** Which variable makes the server read-only; undefined: none does. */
export function readOnlyVariable({ readOnly }: ServerFacts): string | undefined {
  if (readOnly.superReadOnly) return "super_read_only";
  if (readOnly.readOnly) return "read_only";
  return readOnly.innodbReadOnly ? "innodb_read_only" : undefined;
}

function judgeLocalState(g: GaleraState, policy: Policy): Decision | undefined {
  if (g.localState === SYNCED) return undefined;
  if (g.localState !== DONOR) {
    return down(
      roleOf(g),
      "GALERA_NOT_SYNCED",
      `the node is not synced: wsrep_local_state is ${g.localState} (${stateName(g)})`,
    );
  }
  if (g.sstDonorRejectsQueries) {
    return down("donor", "GALERA_DONOR", "the node is donor, and wsrep_sst_donor_rejects_queries is ON");
  }
  switch (policy.availableWhenDonor) {
    case "always":
      return undefined;
    case "nonblocking":
      return NON_BLOCKING_SST.has(g.sstMethod)
        ? undefined
        : down(
            "donor",
            "GALERA_DONOR",
            `the node is donor or desynced, and its state transfer by ${g.sstMethod} blocks it`,
          );
    case "never":
      return down("donor", "GALERA_DONOR", "the node is donor or desynced");
  }
}

function roleOf(galera: GaleraState | undefined): NodeRole {
  switch (galera?.localState) {
    case JOINING:
      return "joining";
    case DONOR:
      return "donor";
    case JOINED:
      return "joined";
    case SYNCED:
      return "synced";
    default:
      return "unknown";
  }
}

const stateName = (g: GaleraState): string => g.localStateComment || "unknown";

// The facts of a server without wsrep: every rule but the first is then out of reach.
const NO_GALERA: GaleraState = {
  wsrepOn: false,
  provider: "",
  clusterStatus: "",
  clusterStateUuid: "",
  clusterSize: undefined,
  ready: false,
  connected: false,
  localState: 0,
  localStateComment: "",
  localIndex: -1,
  rejectQueries: "NONE",
  sstMethod: "",
  sstDonorRejectsQueries: false,
  desync: false,
  recvQueue: 0,
  flowControlPaused: undefined,
  nodeName: undefined,
  nodeAddress: undefined,
  incomingAddresses: undefined,
  pxcMaintMode: undefined,
};

function rule(name: string, look: (galera: GaleraState, policy: Policy) => ReturnType<Rule["look"]>): Rule {
  return { name, look: (facts, policy) => look(facts.galera ?? NO_GALERA, policy) };
}
