/**
 * probe/: asks one server, and tells what it answered. One kind of question a folder; may import topology/, errors/, system/
 * and telemetry/. A probe never judges.
 *
 *   server-watch (monitor/) --ask()--> Probe --┬- database/: login and SQL -▶ server
 *                           <-Observation-     ├- port/: is it open? -------▶ its host
 *                                              └- watchdog/: a line -▶ program -▶ server
 */
import type { Observation } from "../topology/observation.ts";
import type { ProfileName } from "../topology/verdict.ts";

/** One server, asked again and again on one persistent connection. Never two questions at a time. */
export interface Probe {
  /**
   * Asks everything the profile needs. Never rejects, and resolves within `deadlineMs`; past it the connection is
   * dropped and the observation says at which step the server hung.
   */
  ask(deadlineMs: number): Promise<Observation>;
  /**
   * Asks only "are you there" on the open connection. Resolves to undefined when the server answered, or when there is
   * no open connection to ask on.
   */
  ping(deadlineMs: number): Promise<Observation | undefined>;
  /** Called when the idle connection is lost. */
  onConnectionLost(callback: () => void): void;
  /** Drops the connection. A question under way ends as PROBE_CONNECTION_LOST. */
  close(): void;
}

/** What the probe must find out: which statements a tick consists of (two at the most). */
export type Questions = "galera" | "replica" | "standalone" | "connector" | "auto";

/** What a profile wants to know of a database. A port is not logged in to: who does it all the same wants to know all. */
export function questionsOf(profile: ProfileName | "auto"): Questions {
  return profile === "port" ? "auto" : profile;
}
