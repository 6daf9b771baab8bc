import type { GaleraState, ReplicaChannel, ServerFacts } from "../../src/topology/facts.ts";
import type { Observation, ProbeFailureCode } from "../../src/topology/observation.ts";

/** Facts of a healthy standalone MariaDB; tests change what they are about. */
export function facts(changes: Partial<ServerFacts> = {}): ServerFacts {
  return {
    flavour: "mariadb",
    version: "10.11.19-MariaDB",
    hostname: "db1",
    serverId: 1,
    uptimeSeconds: 100,
    readOnly: { readOnly: false, superReadOnly: false, innodbReadOnly: false, offlineMode: false },
    galera: undefined,
    channels: [],
    gtid: { currentPos: "", binlogPos: "", slavePos: "", domainId: 0, executed: undefined },
    rows: 1,
    ...changes,
  };
}

/** A synced Galera node of three. */
export function galera(changes: Partial<GaleraState> = {}): GaleraState {
  return {
    wsrepOn: true,
    provider: "/usr/lib/galera/libgalera_smm.so",
    clusterStatus: "Primary",
    clusterStateUuid: "c1",
    clusterSize: 3,
    ready: true,
    connected: true,
    localState: 4,
    localStateComment: "Synced",
    localIndex: 0,
    rejectQueries: "NONE",
    sstMethod: "rsync",
    sstDonorRejectsQueries: false,
    desync: false,
    recvQueue: 0,
    flowControlPaused: 0,
    nodeName: "db1",
    nodeAddress: "10.0.0.1",
    incomingAddresses: "10.0.0.1:3306",
    pxcMaintMode: undefined,
    ...changes,
  };
}

export const galeraFacts = (
  changes: Partial<GaleraState> = {},
  rest: Partial<ServerFacts> = {},
): ServerFacts => facts({ galera: galera(changes), channels: "not-asked", ...rest });

/** A channel that replicates without lag. */
export function channel(changes: Partial<ReplicaChannel> = {}): ReplicaChannel {
  return {
    name: "",
    sourceHost: "10.0.0.9",
    sourcePort: 3306,
    sourceServerId: 9,
    ioRunning: "Yes",
    sqlRunning: "Yes",
    lagSeconds: 0,
    ioError: undefined,
    sqlError: undefined,
    usingGtid: "Slave_Pos",
    gtidIoPos: "0-9-1",
    delaySeconds: 0,
    ...changes,
  };
}

export const reached = (found: ServerFacts, at = 0): Observation => ({
  reached: true,
  at,
  tookMs: 1,
  facts: found,
});

export const failed = (code: ProbeFailureCode, at = 0): Observation => ({
  reached: false,
  at,
  tookMs: 1,
  failure: { code, detail: `failed with ${code}`, errno: undefined },
});
