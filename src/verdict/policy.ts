import type { ProfileName } from "../topology/verdict.ts";

/** How one server is judged. Plain data; the configuration and the command line fill it in. */
export interface Policy {
  /** `auto`: galera if the server is a Galera node, replica if it replicates, else standalone. */
  readonly profile: ProfileName | "auto";
  /** May a donor or desynced Galera node serve? `nonblocking`: only if its state transfer method does not block it. */
  readonly availableWhenDonor: "never" | "nonblocking" | "always";
  /** May a read-only Galera node serve? */
  readonly availableWhenReadonly: boolean;
  /** Write sets that may wait to be applied; undefined: no limit. */
  readonly maxTransactionsBehind: number | undefined;
  /** Seconds a replica may be behind; undefined: no limit, but unknown lag stays a "no". */
  readonly maxReplicationLagSeconds: number | undefined;
  /** Consecutive good verdicts until a server that was down is up. */
  readonly rise: number;
  /** Consecutive soft failures until a server that was up is down. Hard failures act at once. */
  readonly fall: number;
  /** How long error 1040 keeps the last verdict, ms. */
  readonly busyGraceMs: number;
  /** How old a verdict may grow, ms. */
  readonly staleAfterMs: number;
}

/** Defaults that do not depend on the interval; stale_after is 2 intervals + check_timeout. */
export const DEFAULT_POLICY: Omit<Policy, "staleAfterMs"> = Object.freeze({
  profile: "auto",
  availableWhenDonor: "never",
  availableWhenReadonly: false,
  maxTransactionsBehind: undefined,
  maxReplicationLagSeconds: undefined,
  rise: 1,
  fall: 1,
  busyGraceMs: 10_000,
});
