import type { FirewallName } from "../../system/firewall/firewall-error.ts";

/** What does the work of a gate in the kernel. Every method may throw FIREWALL_MISSING, FIREWALL_DENIED or FIREWALL_FAILED. */
export interface Firewall {
  readonly name: FirewallName;
  /**
   * Lays down what does not change with the verdict. An opening that a predecessor left stays, and ends when it would
   * have ended. Resolves to whether there is one.
   */
  prepare(): Promise<boolean>;
  /** Opens; the opening ends by itself after `ttlMs`. */
  open(ttlMs: number): Promise<void>;
  /** Refuses new connections; established ones go on. */
  close(): Promise<void>;
  /**
   * Renews an opening for `ttlMs`, or a closed gate for undefined, and puts right what somebody else has changed.
   * Resolves to whether there was anything to put right.
   */
  renew(ttlMs: number | undefined): Promise<boolean>;
  /** Takes every rule away. */
  remove(): Promise<void>;
  /** Lets go of the gate as it is. */
  leave(): Promise<void>;
}
