import { describe, expect, test } from "bun:test";
import { channel, galera } from "../../test/support/facts.ts";
import { aVerdict, aVerdictWith, JUDGED_AT } from "../../test/support/fake-fleet.ts";
import { CATALOGUE } from "../errors/catalogue.ts";
import type { ReadOnlyState } from "../topology/facts.ts";
import type { Verdict } from "../topology/verdict.ts";
import { freshVerdict, judgeEndpoint, parseEndpoint, worstLagSeconds } from "./endpoint.ts";

const WRITABLE: ReadOnlyState = {
  readOnly: false,
  superReadOnly: false,
  innodbReadOnly: false,
  offlineMode: false,
};
const GALERA = galera();

const readOnly = { readOnly: { ...WRITABLE, readOnly: true } };
const replicates = (lagSeconds: number | undefined) => ({ channels: [channel({ lagSeconds })] });
const standalone = { role: "standalone", code: "STANDALONE_HEALTHY", profile: "standalone" } as const;
const primary = { role: "primary", code: "STANDALONE_HEALTHY", profile: "replica" } as const;
const replica = { role: "replica", code: "REPLICA_HEALTHY", profile: "replica" } as const;
const down = (code: string) => ({ up: false, code, sentence: `down by ${code}` }) as const;

const VERDICTS = {
  synced: aVerdictWith({ galera: GALERA }),
  "synced, replicating from another cluster": aVerdictWith({ galera: GALERA, ...replicates(0) }),
  "synced, read-only refused": aVerdictWith({ galera: GALERA, ...readOnly }, down("GALERA_READ_ONLY")),
  "synced, read-only accepted": aVerdictWith({ galera: GALERA, ...readOnly }),
  "synced, lagging": aVerdictWith({ galera: GALERA }, down("GALERA_LAGGING")),
  "donor refused": aVerdictWith({ galera: GALERA }, { role: "donor", ...down("GALERA_DONOR") }),
  "donor accepted": aVerdictWith({ galera: GALERA }, { role: "donor", code: "GALERA_DONOR_ACCEPTED" }),
  joining: aVerdictWith({ galera: GALERA }, { role: "joining", ...down("GALERA_NOT_SYNCED") }),
  "non-primary": aVerdictWith({ galera: GALERA }, { ...down("GALERA_NON_PRIMARY") }),
  primary: aVerdictWith({}, primary),
  "primary, super_read_only": aVerdictWith({ readOnly: { ...WRITABLE, superReadOnly: true } }, primary),
  "primary, innodb_read_only": aVerdictWith({ readOnly: { ...WRITABLE, innodbReadOnly: true } }, primary),
  "standalone, account may not ask": aVerdictWith({ channels: "denied" }, standalone),
  "standalone, not asked": aVerdictWith({ channels: "not-asked" }, standalone),
  "standalone that replicates": aVerdictWith(replicates(0), standalone),
  "standalone, read-only refused": aVerdictWith(readOnly, { ...standalone, ...down("READ_ONLY") }),
  "standalone in busy grace": aVerdict(standalone),
  replica: aVerdictWith({ ...readOnly, ...replicates(3) }, replica),
  "replica, writable": aVerdictWith(replicates(3), replica),
  "replica, read-only refused": aVerdictWith(replicates(3), { ...replica, ...down("READ_ONLY") }),
  "replica, lagging": aVerdictWith(replicates(90), { ...replica, ...down("REPLICA_LAGGING") }),
  "replica, lag unknown": aVerdictWith(replicates(undefined), replica),
  "replica, IO stopped": aVerdictWith(replicates(undefined), { ...replica, ...down("REPLICA_IO_STOPPED") }),
  connector: aVerdictWith(
    { flavour: "proxy", channels: "not-asked" },
    { role: "connector", code: "CONNECTOR_HEALTHY" },
  ),
  refused: aVerdict({ role: "unknown", ...down("PROBE_REFUSED") }),
  maintenance: aVerdictWith({ galera: GALERA }, down("MAINTENANCE")),
  "off switch": aVerdictWith({ galera: GALERA }, down("OFF_SWITCH")),
  draining: aVerdictWith({ galera: GALERA }, { ...down("DRAINING"), draining: true }),
  "draining, read-only": aVerdictWith(readOnly, { ...down("READ_ONLY"), draining: true }),
} satisfies Record<string, Verdict>;

// The columns: the code with which each endpoint answers; "=" stands for the verdict's own.
const PATHS = ["/", "/primary", "/read-only", "/replica", "/replica?lag=5s", "/synced", "/donor"] as const;
const TABLE: Record<keyof typeof VERDICTS, readonly string[]> = {
  synced: ["=", "=", "=", "NOT_REPLICA", "NOT_REPLICA", "=", "NOT_DONOR"],
  "synced, replicating from another cluster": ["=", "=", "=", "NOT_REPLICA", "NOT_REPLICA", "=", "NOT_DONOR"],
  "synced, read-only refused": ["=", "=", "SERVES_READS", "=", "=", "GALERA_SYNCED", "NOT_DONOR"],
  "synced, read-only accepted": ["=", "NOT_PRIMARY", "=", "NOT_REPLICA", "NOT_REPLICA", "=", "NOT_DONOR"],
  "synced, lagging": ["=", "=", "=", "=", "=", "=", "="],
  "donor refused": ["=", "=", "=", "=", "=", "=", "IS_DONOR"],
  "donor accepted": ["=", "NOT_PRIMARY", "=", "NOT_REPLICA", "NOT_REPLICA", "NOT_SYNCED", "IS_DONOR"],
  joining: ["=", "=", "=", "=", "=", "=", "="],
  "non-primary": ["=", "=", "=", "=", "=", "=", "="],
  primary: ["=", "=", "=", "NOT_REPLICA", "NOT_REPLICA", "NOT_SYNCED", "NOT_DONOR"],
  "primary, super_read_only": [
    "=",
    "NOT_PRIMARY",
    "=",
    "NOT_REPLICA",
    "NOT_REPLICA",
    "NOT_SYNCED",
    "NOT_DONOR",
  ],
  "primary, innodb_read_only": [
    "=",
    "NOT_PRIMARY",
    "=",
    "NOT_REPLICA",
    "NOT_REPLICA",
    "NOT_SYNCED",
    "NOT_DONOR",
  ],
  "standalone, account may not ask": [
    "=",
    "NOT_PRIMARY",
    "=",
    "NOT_REPLICA",
    "NOT_REPLICA",
    "NOT_SYNCED",
    "NOT_DONOR",
  ],
  "standalone, not asked": ["=", "=", "=", "NOT_REPLICA", "NOT_REPLICA", "NOT_SYNCED", "NOT_DONOR"],
  "standalone that replicates": [
    "=",
    "NOT_PRIMARY",
    "=",
    "NOT_REPLICA",
    "NOT_REPLICA",
    "NOT_SYNCED",
    "NOT_DONOR",
  ],
  "standalone, read-only refused": ["=", "=", "SERVES_READS", "NOT_REPLICA", "NOT_REPLICA", "=", "="],
  "standalone in busy grace": ["=", "=", "=", "NOT_REPLICA", "NOT_REPLICA", "NOT_SYNCED", "NOT_DONOR"],
  replica: ["=", "NOT_PRIMARY", "=", "=", "REPLICA_HEALTHY", "NOT_SYNCED", "NOT_DONOR"],
  "replica, writable": ["=", "NOT_PRIMARY", "=", "=", "REPLICA_HEALTHY", "NOT_SYNCED", "NOT_DONOR"],
  "replica, read-only refused": ["=", "=", "SERVES_READS", "REPLICA_HEALTHY", "REPLICA_HEALTHY", "=", "="],
  "replica, lagging": ["=", "=", "=", "=", "REPLICA_LAGGING", "=", "="],
  "replica, lag unknown": ["=", "NOT_PRIMARY", "=", "=", "REPLICA_LAG_UNKNOWN", "NOT_SYNCED", "NOT_DONOR"],
  "replica, IO stopped": ["=", "=", "=", "=", "=", "=", "="],
  connector: ["=", "=", "=", "NOT_REPLICA", "NOT_REPLICA", "NOT_SYNCED", "NOT_DONOR"],
  refused: ["=", "=", "=", "=", "=", "=", "="],
  maintenance: ["=", "=", "=", "=", "=", "=", "="],
  "off switch": ["=", "=", "=", "=", "=", "=", "="],
  draining: ["=", "=", "=", "=", "=", "=", "="],
  "draining, read-only": ["=", "=", "=", "=", "=", "=", "="],
};

function ask(target: string, verdict: Verdict, now = JUDGED_AT) {
  const [path = "", query = ""] = target.split("?");
  const parsed = parseEndpoint(path, query);
  if (!parsed.ok) throw new Error(parsed.sentence);
  return judgeEndpoint(parsed.endpoint, verdict, now);
}

describe("judgeEndpoint", () => {
  for (const [name, verdict] of Object.entries(VERDICTS)) {
    const codes = TABLE[name as keyof typeof VERDICTS];
    for (const [i, path] of PATHS.entries()) {
      const expected = codes[i] === "=" ? verdict.code : codes[i];
      test(`${path} of a server that is ${name} answers ${expected}`, () => {
        const answer = ask(path, verdict);
        expect(answer.code).toBe(expected as string);
        expect(answer.up).toBe(CATALOGUE[answer.code as keyof typeof CATALOGUE].http === 200);
        expect(answer.draining).toBe(verdict.draining);
        expect(answer.sentence).not.toBe("");
      });
    }
  }

  test("/read-write answers as /primary does", () => {
    for (const verdict of Object.values(VERDICTS)) {
      expect(ask("/read-write", verdict)).toEqual(ask("/primary", verdict));
    }
  });

  test("past its deadline no verdict is a yes on any endpoint", () => {
    for (const verdict of Object.values(VERDICTS)) {
      for (const path of [...PATHS, "/read-write"]) {
        expect(ask(path, verdict, verdict.staleAt + 1)).toMatchObject({
          up: false,
          code: "STALE",
          draining: false,
        });
      }
    }
  });

  test("?lag= replaces the limit of the configuration in both directions", () => {
    expect(ask("/replica?lag=2", VERDICTS.replica).code).toBe("REPLICA_LAGGING");
    expect(ask("/replica?lag=2min", VERDICTS["replica, lagging"])).toMatchObject({
      up: true,
      code: "REPLICA_HEALTHY",
    });
  });
});

describe("parseEndpoint", () => {
  const overall = { ok: true, endpoint: { kind: "overall" } } as const;

  test.each(["/", "/index.html", "/primaryx", "/primary/x", "//", "/lag"])(
    "%s is the overall verdict",
    (path) => {
      expect(parseEndpoint(path, "lag=abc")).toEqual(overall);
    },
  );

  test("letters may be of any case and a slash may follow", () => {
    expect(parseEndpoint("/Read-Write/", "")).toEqual({ ok: true, endpoint: { kind: "read-write" } });
  });

  test.each([
    ["lag=5s", 5],
    ["lag=0", 0],
    ["lag=1.5", 1.5],
    ["lag=250ms", 0.25],
    ["lag=2min", 120],
    ["lag=2m", 120],
    ["lag=1h", 3600],
    ["x=1&lag=7s&lag=9s", 7],
    ["other=1", undefined],
  ])("/replica?%s", (query, lagLimitSeconds) => {
    expect(parseEndpoint("/replica", query)).toEqual({
      ok: true,
      endpoint: { kind: "replica", lagLimitSeconds },
    });
  });

  test.each(["lag=abc", "lag=", "lag=-1", "lag=5 s", "lag=5days", "lag=Infinity", "lag=1e3", "lag"])(
    "/replica?%s is refused with a sentence",
    (query) => {
      const parsed = parseEndpoint("/replica", query);
      expect(parsed.ok).toBe(false);
      expect(parsed).toHaveProperty("sentence", expect.stringContaining("write lag=5s"));
    },
  );
});

describe("freshVerdict", () => {
  test("returns the very verdict until its deadline", () => {
    const verdict = aVerdict();
    expect(freshVerdict(verdict, verdict.staleAt)).toBe(verdict);
  });

  test("past it, the sentence quotes what the verdict was", () => {
    const stale = freshVerdict(aVerdict(), JUDGED_AT + 3001);
    expect(stale).toMatchObject({ up: false, code: "STALE", since: JUDGED_AT + 3000 });
    expect(stale.sentence).toBe(
      "nothing is known since 2026-01-02T03:04:05.000Z, when the verdict was GALERA_SYNCED: the Galera node is synced",
    );
  });

  test("before the first probe has ended there is nothing to grow stale", () => {
    const starting = aVerdict({
      up: false,
      known: false,
      code: "STARTING",
      sentence: "No probe has ended yet.",
    });
    expect(freshVerdict(starting, JUDGED_AT + 1e9)).toBe(starting);
  });
});

describe("worstLagSeconds", () => {
  test("is the slowest channel's", () => {
    const channels = [channel({ lagSeconds: 2 }), channel({ name: "b", lagSeconds: 40 })];
    expect(worstLagSeconds(aVerdictWith({ channels }))).toBe(40);
  });

  test("is unknown if one channel does not tell, if nobody is followed, or if the server was not reached", () => {
    expect(
      worstLagSeconds(aVerdictWith({ channels: [channel(), channel({ lagSeconds: undefined })] })),
    ).toBeUndefined();
    expect(worstLagSeconds(aVerdictWith({}))).toBeUndefined();
    expect(worstLagSeconds(aVerdictWith({ channels: "denied" }))).toBeUndefined();
    expect(worstLagSeconds(aVerdict())).toBeUndefined();
  });
});
