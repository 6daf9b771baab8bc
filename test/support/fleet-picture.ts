/**
 * Fleets as small pictures, for table tests and scenarios: a line a server, what it says and the state expected of it.
 *
 *   db1  rw                              -> Master, Running
 *   db2  ro <db1 lag=3                   -> Slave, Running
 *   db3  ro <db1:connecting maint        -> Maintenance, Running
 *   db4  down                            -> Down
 *
 * down[:CODE]   no answer               unasked       not probed yet
 * rw | ro       read_only               offline       offline_mode is ON
 * <SOURCE[:X]   replicates from SOURCE: a server of the picture, a host outside, or HOST#ID with its server_id; X:
 *               connecting, io (IO thread stopped by an error), sql (SQL thread likewise), denied (the source refuses
 *               the login), stopped (by hand)
 * lag=N         seconds, or ? for NULL  no-grant      may not see its replication
 * gtid=G        gtid_current_pos        mysql, proxy  flavour
 * synced@N, donor@N, joined@N, joining@N   Galera, with wsrep_local_index N;  uuid=U (A by default), sst=METHOD, and
 *               nonprimary, notready, rejects, donor-rejects, desync, pxc, wsrep-off
 * maint, drain, drain:N (connections left), prio=N, id=N (server_id; by default the line's number)
 */

import type { ServerInput } from "../../src/monitor/modules/monitor-module.ts";
import type { GaleraState, ReplicaChannel, ServerFacts } from "../../src/topology/facts.ts";
import type { Observation, ProbeFailureCode } from "../../src/topology/observation.ts";

export interface PicturedServer {
  readonly input: ServerInput;
  /** Undefined: nothing is expected of it. */
  readonly expected: string | undefined;
}

/** Reads a picture; `at` (ms) is when its probes ended. */
export function readPicture(picture: string, at: number): readonly PicturedServer[] {
  const lines = picture
    .split("\n")
    .map((line) => line.trim())
    .filter((line) => line !== "" && !line.startsWith("#"))
    .map((line) => {
      const [left = "", expected] = line.split("->").map((side) => side.trim());
      const [name = "", ...words] = left.split(/\s+/);
      return { name, words, expected };
    });
  const ids = new Map(
    lines.map(({ name, words }, index) => [name, Number(setting(words, "id") ?? index + 1)]),
  );
  return lines.map(({ name, words, expected }) => {
    for (const word of words)
      if (!KNOWN.test(word)) throw new Error(`what is "${word}" in the picture of ${name}?`);
    return { input: inputOf(name, words, ids, at), expected };
  });
}

const KNOWN = new RegExp(
  `^(${[
    "down(:[A-Z_]+)?|unasked|rw|ro|offline|no-grant|mysql|proxy|maint|drain(:\\d+)?",
    "<[\\w.]+(#\\d+)?(:(connecting|io|sql|denied|stopped))?|(lag|gtid|uuid|sst|prio|id)=\\S+",
    "(synced|donor|joined|joining)@-?\\d+|nonprimary|notready|rejects|donor-rejects|desync|pxc|wsrep-off",
  ].join("|")})$`,
);

function setting(words: readonly string[], key: string): string | undefined {
  return words.find((word) => word.startsWith(`${key}=`))?.slice(key.length + 1);
}

function inputOf(
  name: string,
  words: readonly string[],
  ids: ReadonlyMap<string, number>,
  at: number,
): ServerInput {
  const drain = words.find((word) => word.startsWith("drain"));
  return {
    name,
    addresses: [{ host: name, port: 3306 }],
    observation: words.includes("unasked") ? undefined : observationOf(name, words, ids, at),
    admin: words.includes("maint") ? "maintenance" : drain === undefined ? "none" : "drain",
    openConnections: Number(drain?.split(":")[1] ?? 0),
    priority: Number(setting(words, "prio") ?? 0),
    serverId: undefined,
  };
}

function observationOf(
  name: string,
  words: readonly string[],
  ids: ReadonlyMap<string, number>,
  at: number,
): Observation {
  const down = words.find((word) => word.startsWith("down"));
  if (down === undefined) return { reached: true, at, tookMs: 1, facts: factsOf(name, words, ids) };
  const code = (down.split(":")[1] ?? "PROBE_REFUSED") as ProbeFailureCode;
  const detail = code === "PROBE_REFUSED" ? `connection refused by ${name}:3306` : `${name}:3306 said no`;
  return { reached: false, at, tookMs: 1, failure: { code, detail, errno: undefined } };
}

function factsOf(name: string, words: readonly string[], ids: ReadonlyMap<string, number>): ServerFacts {
  const has = (word: string) => words.includes(word);
  const gtid = setting(words, "gtid");
  return {
    flavour: has("mysql") ? "mysql" : has("proxy") ? "proxy" : "mariadb",
    version: has("mysql") ? "9.1.0" : "10.11.6-MariaDB",
    hostname: name,
    serverId: ids.get(name),
    uptimeSeconds: 1000,
    readOnly: {
      readOnly: has("ro"),
      superReadOnly: false,
      innodbReadOnly: false,
      offlineMode: has("offline"),
    },
    galera: galeraOf(name, words),
    channels: has("no-grant")
      ? "denied"
      : words.filter((word) => word.startsWith("<")).map((word) => channelOf(word, words, ids)),
    gtid: {
      currentPos: has("mysql") ? undefined : gtid,
      binlogPos: undefined,
      slavePos: undefined,
      domainId: 0,
      executed: has("mysql") ? gtid : undefined,
    },
    rows: 1,
  };
}

const THREADS: Record<
  string,
  { readonly io: string; readonly sql: string; readonly ioErrno?: number; readonly sqlErrno?: number }
> = {
  running: { io: "Yes", sql: "Yes" },
  connecting: { io: "Connecting", sql: "Yes", ioErrno: 2003 },
  denied: { io: "Connecting", sql: "Yes", ioErrno: 1045 },
  io: { io: "No", sql: "Yes", ioErrno: 1236 },
  sql: { io: "Yes", sql: "No", sqlErrno: 1062 },
  stopped: { io: "No", sql: "No" },
};
const ERRORS: Record<number, string> = {
  1045: "Access denied for user 'repl'",
  1062: "Duplicate entry '1' for key 'PRIMARY'",
  1236: "Could not find GTID state requested by slave",
  2003: "Can't connect to the source",
};

function channelOf(word: string, words: readonly string[], ids: ReadonlyMap<string, number>): ReplicaChannel {
  const [address = "", state = "running"] = word.slice(1).split(":");
  const [source = "", id] = address.split("#");
  const threads = THREADS[state];
  if (threads === undefined) throw new Error(`what is ":${state}" in "${word}"?`);
  const lag = setting(words, "lag") ?? "0";
  const error = (errno: number | undefined) =>
    errno === undefined ? undefined : { errno, message: ERRORS[errno] ?? "" };
  return {
    name: source,
    sourceHost: source,
    sourcePort: 3306,
    sourceServerId: id === undefined ? ids.get(source) : Number(id),
    ioRunning: threads.io,
    sqlRunning: threads.sql,
    lagSeconds: lag === "?" || state !== "running" ? undefined : Number(lag),
    ioError: error(threads.ioErrno),
    sqlError: error(threads.sqlErrno),
    usingGtid: "Slave_Pos",
    gtidIoPos: undefined,
    delaySeconds: 0,
  };
}

const LOCAL_STATES: Record<string, readonly [number, string]> = {
  joining: [1, "Joining"],
  donor: [2, "Donor/Desynced"],
  joined: [3, "Joined"],
  synced: [4, "Synced"],
};

function galeraOf(name: string, words: readonly string[]): GaleraState | undefined {
  const [comment = "", index] = words.find((word) => word.includes("@"))?.split("@") ?? [];
  const local = LOCAL_STATES[comment];
  if (local === undefined) return undefined;
  const has = (word: string) => words.includes(word);
  return {
    wsrepOn: !has("wsrep-off"),
    provider: "/usr/lib/galera/libgalera_smm.so",
    clusterStatus: has("nonprimary") ? "non-Primary" : "Primary",
    clusterStateUuid: (setting(words, "uuid") ?? "A").replace("empty", ""),
    clusterSize: 3,
    ready: !has("notready") && !has("nonprimary"),
    connected: true,
    localState: local[0],
    localStateComment: local[1],
    localIndex: Number(index),
    rejectQueries: has("rejects") ? "ALL" : "NONE",
    sstMethod: setting(words, "sst") ?? "rsync",
    sstDonorRejectsQueries: has("donor-rejects"),
    desync: has("desync"),
    recvQueue: 0,
    flowControlPaused: 0,
    nodeName: `node-${name}`,
    nodeAddress: name,
    incomingAddresses: undefined,
    pxcMaintMode: has("pxc") ? "SHUTDOWN" : undefined,
  };
}
