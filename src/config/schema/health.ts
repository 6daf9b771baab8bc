import { defaulted, optional, type Parameter } from "../parameter.ts";
import { flag, oneOf } from "../values/choice.ts";
import { duration } from "../values/duration.ts";
import { integer, orAuto } from "../values/number.ts";
import { list, path, text } from "../values/text.ts";

const PROFILES = ["auto", "galera", "replica", "standalone", "connector"] as const;
const DONOR = oneOf(["never", "nonblocking", "always"], {
  also: {
    false: "never",
    no: "never",
    off: "never",
    "0": "never",
    true: "nonblocking",
    yes: "nonblocking",
    on: "nonblocking",
    "1": "nonblocking",
  },
});
const COUNT = integer(1, 1000);

/** How a server is judged. A monitor sets it for all its servers, and a server may differ. */
export const HEALTH = {
  profile: defaulted(
    oneOf(PROFILES),
    "auto",
    "Which rules judge a server; auto: by what it turns out to be.",
  ),
  check_timeout: defaulted(
    duration({ bare: "s", minMs: 10, maxMs: 600_000 }),
    "1s",
    "Deadline for connecting, for the login and for each query of a check. A hung server is down after it.",
  ),
  heartbeat: defaulted(
    duration({ bare: "ms", minMs: 0, maxMs: 60_000 }),
    "0s",
    "Time between two pings on the open connection, between the checks, so that a server that hangs is noticed sooner; 0: none.",
  ),
  check_query: optional(
    text("an SQL query"),
    "Query whose answer must have at least one row (profiles standalone and connector).",
  ),
  busy_grace: defaulted(
    duration(),
    "10s",
    "A server with no free connection (error 1040) keeps its last verdict for this long.",
  ),
  rise: defaulted(COUNT, "1", "Good checks in a row that bring a server up again after a soft failure."),
  fall: defaulted(
    COUNT,
    "1",
    "Bad checks in a row that take a server down; refused and lost connections act at once.",
  ),
  stale_after: defaulted(
    orAuto(duration({ bare: "s", minMs: 100 })),
    "auto",
    "A verdict older than this is a no; auto: two intervals and check_timeout.",
  ),
  available_when_donor: defaulted(
    DONOR,
    "never",
    "May a Galera donor serve? nonblocking: while its state transfer does not block it.",
  ),
  available_when_readonly: defaulted(flag(), "false", "May a read-only server serve?"),
  max_transactions_behind: defaulted(
    integer(0, 2_147_483_647),
    "0",
    "Write sets a Galera node may have waiting; 0: no limit.",
  ),
  max_replication_lag: defaulted(
    duration({ bare: "s" }),
    "0s",
    "How far a replica may be behind; 0: no limit. An unknown lag is never healthy.",
  ),
  disable_files: defaulted(
    list(path()),
    "/var/tmp/clustercheck.disabled,/dev/shm/proxyoff",
    "While one of these files exists, the server is out.",
  ),
} as const;

type Overrides<S> = {
  readonly [K in keyof S]: S[K] extends Parameter<infer T> ? Parameter<T, "optional"> : never;
};

/** The same parameters, unset unless given: a server's own word against its monitor's. */
export const HEALTH_OVERRIDES = Object.fromEntries(
  Object.entries(HEALTH).map(([name, { type, description }]) => [
    name,
    optional(type as Parameter["type"], `${description} Unset: as its monitor says.`),
  ]),
) as Overrides<typeof HEALTH>;
