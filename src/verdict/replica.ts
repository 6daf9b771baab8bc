import type { ReplicaChannel, ServerFacts } from "../topology/facts.ts";
import { down, type Rule, up } from "./rule.ts";
import { offlineRule } from "./standalone.ts";

/** The rules for a replica; with several sources every channel must pass. */
export const REPLICA_RULES: readonly Rule[] = [
  {
    name: "replication is told",
    look: ({ channels }) => {
      if (channels === "denied") {
        return {
          saw: "the account may not ask for the replication status",
          decision: down(
            "unknown",
            "PROBE_PRIVILEGE_MISSING",
            "the account may not ask for the replication status",
          ),
        };
      }
      const count = channelsOf(channels).length;
      const saw = `${count} replication channel${count === 1 ? "" : "s"}`;
      if (count > 0) return { saw };
      return {
        saw,
        decision: down("primary", "REPLICA_NOT_REPLICATING", "the server replicates from nobody"),
      };
    },
  },
  offlineRule("replica"),
  channelRule(
    "IO thread",
    (c) => `IO thread: ${c.ioRunning}`,
    // Connecting without an error is a source that is away: the replica itself serves what it has.
    (c) =>
      isRunning(c.ioRunning) || (c.ioRunning === "Connecting" && c.ioError === undefined)
        ? undefined
        : "REPLICA_IO_STOPPED",
    (c) => `the replication IO thread does not run (${c.ioRunning}${reason(c.ioError)})`,
  ),
  channelRule(
    "SQL thread",
    (c) => `SQL thread: ${c.sqlRunning}`,
    (c) => (isRunning(c.sqlRunning) ? undefined : "REPLICA_SQL_STOPPED"),
    (c) => `the replication SQL thread does not run (${c.sqlRunning}${reason(c.sqlError)})`,
  ),
  channelRule(
    "lag is known",
    (c) => `Seconds_Behind_Master: ${c.lagSeconds ?? "NULL"}`,
    (c) => (c.lagSeconds === undefined ? "REPLICA_LAG_UNKNOWN" : undefined),
    () => "the replica does not know how far it is behind",
  ),
  {
    name: "lag limit",
    look: (facts, { maxReplicationLagSeconds: limit }) => {
      const lag = worstLag(facts) ?? 0;
      const saw = `lag ${lag} s, max_replication_lag = ${limit === undefined ? "no limit" : `${limit} s`}`;
      if (limit === undefined || lag <= limit) return { saw };
      return {
        saw,
        decision: down(
          "replica",
          "REPLICA_LAGGING",
          `the replica is ${lag} s behind, ${limit} s are allowed`,
        ),
      };
    },
  },
  {
    name: "verdict",
    look: (facts) => ({
      saw: "nothing speaks against it",
      decision: up("replica", "REPLICA_HEALTHY", `the replica replicates, ${worstLag(facts) ?? 0} s behind`),
    }),
  },
];

/** The largest lag of all channels, seconds; undefined when one of them does not know. */
export function worstLag(facts: ServerFacts): number | undefined {
  let worst = 0;
  for (const { lagSeconds } of channelsOf(facts.channels)) {
    if (lagSeconds === undefined) return undefined;
    worst = Math.max(worst, lagSeconds);
  }
  return worst;
}

/** The channels, none where the server may not or was not asked to tell. */
export function channelsOf(channels: ServerFacts["channels"]): readonly ReplicaChannel[] {
  return typeof channels === "string" ? [] : channels;
}

function channelRule(
  name: string,
  saw: (channel: ReplicaChannel) => string,
  fault: (
    channel: ReplicaChannel,
  ) => "REPLICA_IO_STOPPED" | "REPLICA_SQL_STOPPED" | "REPLICA_LAG_UNKNOWN" | undefined,
  sentence: (channel: ReplicaChannel) => string,
): Rule {
  return {
    name,
    look: (facts) => {
      const channels = channelsOf(facts.channels);
      const seen = channels.map((c) => (c.name === "" ? saw(c) : `${c.name}: ${saw(c)}`)).join("; ");
      for (const channel of channels) {
        const code = fault(channel);
        if (code === undefined) continue;
        const where = channel.name === "" ? "" : ` on channel ${channel.name}`;
        return { saw: seen, decision: down("replica", code, sentence(channel) + where) };
      }
      return { saw: seen };
    },
  };
}

const isRunning = (state: string): boolean => state.toLowerCase() === "yes";
const reason = (error: ReplicaChannel["ioError"]): string =>
  error === undefined ? "" : `, error ${error.errno}: ${error.message}`;
