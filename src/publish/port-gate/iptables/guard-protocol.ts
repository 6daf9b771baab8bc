import type { Code } from "../../../errors/catalogue.ts";
import type { GatePlan } from "../gate-plan.ts";

/** What the agent says to the guard of a gate, one JSON text a line. The guard answers each in turn. */
export type GuardRequest =
  | { readonly say: "prepare"; readonly plan: GatePlan; readonly ttlMs: number }
  | { readonly say: "open" | "renew"; readonly ttlMs: number }
  /** `renewClosed`: look whether all is right, and stay closed. */
  | { readonly say: "close" | "renewClosed" | "remove" };

export type GuardAnswer =
  /** `isSo`: of prepare, the gate is open; of a renewal, there was something to put right. */
  | { readonly ok: true; readonly isSo: boolean }
  | { readonly ok: false; readonly code: Code; readonly message: string };
