import type { ServerFacts, WatchdogAnswer } from "../topology/facts.ts";

/** The facts of a server that nobody has logged in to: it is there, and perhaps a watchdog has said more. */
export function bareFacts(watchdog?: WatchdogAnswer): ServerFacts {
  return Object.freeze({
    flavour: "unknown",
    version: "",
    hostname: undefined,
    serverId: undefined,
    uptimeSeconds: undefined,
    readOnly: { readOnly: false, superReadOnly: false, innodbReadOnly: false, offlineMode: false },
    galera: undefined,
    channels: "not-asked",
    gtid: {
      currentPos: undefined,
      binlogPos: undefined,
      slavePos: undefined,
      domainId: undefined,
      executed: undefined,
    },
    rows: 0,
    ...(watchdog === undefined ? {} : { watchdog }),
  });
}
