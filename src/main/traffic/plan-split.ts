import type { ServiceObject } from "../../config/configuration.ts";
import type { SplitRule } from "../../proxy/router/route-splits.ts";
import type { ReplayRules } from "../../topology/routing-table.ts";
import { limitsOf } from "./service-limits.ts";
import type { PlannedServer, SplitPlan } from "./service-plan.ts";

type SplitObject = Extract<ServiceObject, { readonly module: "readwritesplit" }>;

/** A service with router=readwritesplit: what its parameters say, in the words of the data path. */
export function planSplit(service: SplitObject, servers: readonly PlannedServer[]): SplitPlan {
  const { name, parameters: p } = service;
  const rule: SplitRule = {
    name,
    masterAcceptReads: p.master_accept_reads,
    maxLagSeconds: p.max_replication_lag === 0 ? undefined : p.max_replication_lag / 1000,
    limits: limitsOf(service),
    maxReplicas: p.max_slave_connections,
    rules: {
      criterion: CRITERIA[p.slave_selection_criteria],
      masterFailureMode: p.master_failure_mode,
      masterReconnection: p.master_reconnection,
      retryFailedReads: p.retry_failed_reads,
      delayedRetryMs: p.delayed_retry ? p.delayed_retry_timeout : 0,
      replay: p.transaction_replay ? replayRules(service) : undefined,
      causalReads: p.causal_reads,
      causalReadsTimeoutMs: p.causal_reads_timeout,
      history: {
        max: p.disable_sescmd_history ? 0 : p.max_sescmd_history,
        prune: p.prune_sescmd_history && !p.disable_sescmd_history,
      },
      strictMultiStatements: p.strict_multi_stmt,
      strictCalls: p.strict_sp_calls,
      readVariablesOnPrimary: p.use_sql_variables_in === "master",
      poolIdleMs: p.idle_session_pool_time < 0 ? undefined : p.idle_session_pool_time,
      keepaliveMs: p.connection_keepalive,
      allowsRoot: p.enable_root_user,
    },
  };
  return { router: "readwritesplit", rule, servers, shownVersion: p.version_string };
}

const CRITERIA = {
  least_current_operations: "operations",
  // Which of the replicas answers fastest shows in what each has under way.
  adaptive_routing: "operations",
  least_router_connections: "connections",
  least_global_connections: "connections",
  least_behind_master: "lag",
} as const;

function replayRules({ parameters: p }: SplitObject): ReplayRules {
  return {
    maxBytes: p.transaction_replay_max_size,
    attempts: p.transaction_replay_attempts,
    timeoutMs: p.transaction_replay_timeout,
    checksum: p.transaction_replay_checksum,
    onDeadlock: p.transaction_replay_retry_on_deadlock,
  };
}
