import type { Verdict } from "../../src/topology/verdict.ts";
import { aVerdict } from "./fake-fleet.ts";

/** A healthy server, judged at the beginning of time and believed for ever: for what does not depend on when it was judged. */
export const STANDING_VERDICT: Verdict = Object.freeze(
  aVerdict({
    role: "standalone",
    code: "STANDALONE_HEALTHY",
    sentence: "all is well",
    profile: "standalone",
    since: 0,
    at: 0,
    staleAt: Number.MAX_SAFE_INTEGER,
    rules: [],
  }),
);
