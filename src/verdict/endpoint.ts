/**
 * What a health endpoint asks (`/primary`, `/replica?lag=5s`, …) and how a server's verdict answers it. A balancer picks
 * the traffic it sends by picking the path.
 *
 *   verdict ──freshVerdict──▶ still believed? ──judgeEndpoint──▶ the answer to this endpoint
 *
 * A verdict that is down for any reason is a "no" everywhere, but for reasons that are only a policy of the overall
 * question: a read-only node still serves reads, a donor is what `/donor` looks for, and `?lag=` replaces the
 * configured limit.
 */
import type { Code } from "../errors/catalogue.ts";
import type { ServerFacts } from "../topology/facts.ts";
import type { NodeRole, Verdict } from "../topology/verdict.ts";
import { readOnlyVariable } from "./galera.ts";
import { channelsOf, worstLag } from "./replica.ts";

export type HealthEndpoint =
  | { readonly kind: "overall" | "primary" | "read-write" | "read-only" | "synced" | "donor" }
  | { readonly kind: "replica"; readonly lagLimitSeconds: number | undefined };

/** The part of a verdict that answers one endpoint. */
export type EndpointAnswer = Pick<Verdict, "up" | "draining" | "code" | "sentence">;

export type ParsedEndpoint =
  | { readonly ok: true; readonly endpoint: HealthEndpoint }
  | { readonly ok: false; readonly sentence: string };

/** The endpoint a request asks for; `path` begins with `/`, `query` has no `?`. Any unknown path is the overall verdict. */
export function parseEndpoint(path: string, query: string): ParsedEndpoint {
  const kind = path.slice(1).replace(/\/+$/, "").toLowerCase();
  switch (kind) {
    case "primary":
    case "read-write":
    case "read-only":
    case "synced":
    case "donor":
      return { ok: true, endpoint: { kind } };
    case "replica":
      return parseReplica(query);
    default:
      return { ok: true, endpoint: { kind: "overall" } };
  }
}

function parseReplica(query: string): ParsedEndpoint {
  const text = new URLSearchParams(query).get("lag");
  if (text === null) return { ok: true, endpoint: { kind: "replica", lagLimitSeconds: undefined } };
  const lagLimitSeconds = parseSeconds(text);
  if (lagLimitSeconds === undefined) {
    const sentence = `lag=${text.slice(0, 40)} is not a duration: write lag=5s, lag=500ms, lag=2min, or seconds without a unit.`;
    return { ok: false, sentence };
  }
  return { ok: true, endpoint: { kind: "replica", lagLimitSeconds } };
}

const SECONDS_PER_UNIT: Readonly<Record<string, number>> = { ms: 0.001, s: 1, m: 60, min: 60, h: 3600 };

function parseSeconds(text: string): number | undefined {
  const match = /^(\d{1,9}(?:\.\d{1,9})?)(ms|s|min|m|h)?$/.exec(text);
  if (match === null) return undefined;
  return Number(match[1]) * (SECONDS_PER_UNIT[match[2] ?? "s"] ?? 1);
}

/**
 * The verdict as it stands at `now` (ms since 1970): past its deadline it is a "no" that quotes what it was. The sentence
 * holds no age, so that it stays the same until the next probe ends.
 */
export function freshVerdict(verdict: Verdict, now: number): Verdict {
  const isStarting = !verdict.known && !verdict.up;
  if (now <= verdict.staleAt || isStarting) return verdict;
  const judgedAt = new Date(verdict.at).toISOString();
  return {
    ...verdict,
    up: false,
    draining: false,
    code: "STALE",
    sentence: `nothing is known since ${judgedAt}, when the verdict was ${verdict.code}: ${verdict.sentence}`,
    since: verdict.staleAt,
  };
}

/** How one server answers one endpoint at `now` (ms since 1970). */
export function judgeEndpoint(endpoint: HealthEndpoint, verdict: Verdict, now: number): EndpointAnswer {
  const fresh = freshVerdict(verdict, now);
  switch (endpoint.kind) {
    case "overall":
      return fresh;
    case "primary":
    case "read-write":
      return fresh.up ? judgeWritable(fresh) : fresh;
    case "read-only":
      return judgeReadable(fresh);
    case "replica":
      return judgeReplica(fresh, endpoint.lagLimitSeconds);
    case "synced":
      return isUpBut(fresh, "GALERA_READ_ONLY") ? judgeSynced(fresh) : fresh;
    case "donor":
      return isUpBut(fresh, "GALERA_READ_ONLY", "GALERA_DONOR") ? judgeDonor(fresh) : fresh;
  }
}

/** Up, or down for nothing but one of these policies. */
function isUpBut(verdict: Verdict, ...policies: readonly Code[]): boolean {
  return verdict.up || (!verdict.draining && policies.some((code) => code === verdict.code));
}

const no = (code: Code, sentence: string): EndpointAnswer => ({ up: false, draining: false, code, sentence });
const yes = (code: Code, sentence: string): EndpointAnswer => ({ up: true, draining: false, code, sentence });

const WRITABLE_ROLES: ReadonlySet<NodeRole> = new Set(["primary", "standalone", "synced", "connector"]);

function judgeWritable(verdict: Verdict): EndpointAnswer {
  if (!WRITABLE_ROLES.has(verdict.role)) {
    return no("NOT_PRIMARY", `the server is ${ROLE_NAMES[verdict.role]}: it takes no writes`);
  }
  const facts = factsOf(verdict);
  if (facts === undefined) return verdict; // an earlier verdict kept through busy_grace: its role tells
  const flag = readOnlyVariable(facts);
  if (flag !== undefined)
    return no("NOT_PRIMARY", `the server is healthy, but ${flag} is ON: it takes no writes`);
  // A Galera node may replicate from another cluster and still take writes; any other server that replicates is a replica.
  if (facts.galera?.wsrepOn) return verdict;
  if (facts.channels === "denied") {
    return no("NOT_PRIMARY", "the account may not ask whether the server replicates, so it may be a replica");
  }
  if (channelsOf(facts.channels).length > 0) {
    return no("NOT_PRIMARY", "the server is healthy, but it replicates from another: it takes no writes");
  }
  return verdict;
}

function judgeReadable(verdict: Verdict): EndpointAnswer {
  if (verdict.up || !isUpBut(verdict, "READ_ONLY", "GALERA_READ_ONLY")) return verdict;
  return yes("SERVES_READS", "the server is read-only, and serves reads");
}

function judgeReplica(verdict: Verdict, limitSeconds: number | undefined): EndpointAnswer {
  const policies: readonly Code[] =
    limitSeconds === undefined ? ["READ_ONLY"] : ["READ_ONLY", "REPLICA_LAGGING"];
  if (!isUpBut(verdict, ...policies)) return verdict;
  if (verdict.role !== "replica") {
    return no("NOT_REPLICA", `the server is ${ROLE_NAMES[verdict.role]}, not a replica`);
  }
  if (limitSeconds === undefined) {
    return verdict.up ? verdict : yes("REPLICA_HEALTHY", "the replica is healthy; it is read-only");
  }
  const lagSeconds = worstLagSeconds(verdict);
  if (lagSeconds === undefined) {
    return no(
      "REPLICA_LAG_UNKNOWN",
      `the replica does not know how far it is behind; at most ${limitSeconds} s were asked for`,
    );
  }
  if (lagSeconds > limitSeconds) {
    return no(
      "REPLICA_LAGGING",
      `the replica is ${lagSeconds} s behind; at most ${limitSeconds} s were asked for`,
    );
  }
  return yes(
    "REPLICA_HEALTHY",
    `the replica is ${lagSeconds} s behind, within the ${limitSeconds} s asked for`,
  );
}

function judgeSynced(verdict: Verdict): EndpointAnswer {
  if (verdict.role !== "synced") {
    return no("NOT_SYNCED", `the server is ${ROLE_NAMES[verdict.role]}, not a synced Galera node`);
  }
  return verdict.up ? verdict : yes("GALERA_SYNCED", "the Galera node is synced; it is read-only");
}

function judgeDonor(verdict: Verdict): EndpointAnswer {
  if (verdict.role !== "donor") {
    return no("NOT_DONOR", `the server is ${ROLE_NAMES[verdict.role]}, not a Galera donor`);
  }
  return yes("IS_DONOR", "the Galera node is donor or desynced");
}

/**
 * Seconds the slowest replication channel is behind its source; undefined when the server is no replica, or when one
 * channel does not tell: unknown is not zero.
 */
export function worstLagSeconds(verdict: Verdict): number | undefined {
  const facts = factsOf(verdict);
  return facts === undefined || channelsOf(facts.channels).length === 0 ? undefined : worstLag(facts);
}

function factsOf(verdict: Verdict): ServerFacts | undefined {
  return verdict.observation?.reached === true ? verdict.observation.facts : undefined;
}

const ROLE_NAMES: Readonly<Record<NodeRole, string>> = {
  primary: "a primary",
  replica: "a replica",
  standalone: "a standalone server",
  synced: "a synced Galera node",
  donor: "a Galera donor",
  joined: "a joined Galera node",
  joining: "a joining Galera node",
  connector: "a connector",
  unknown: "of unknown role",
};
