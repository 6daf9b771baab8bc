import { expect, test } from "bun:test";
import { channel, facts, reached } from "../../test/support/facts.ts";
import { FakeClock } from "../../test/support/fake-clock.ts";
import { SILENT_LOG } from "../telemetry/log.ts";
import type { Observation } from "../topology/observation.ts";
import { NO_OVERLAY } from "../verdict/judge.ts";
import { DEFAULT_POLICY } from "../verdict/policy.ts";
import { bindModule, type FleetMember, FleetMonitor } from "./fleet-monitor.ts";
import { FleetStore } from "./fleet-store.ts";
import { mariadbmon } from "./modules/mariadbmon.ts";

const readOnly = { readOnly: true, superReadOnly: false, innodbReadOnly: false, offlineMode: false };
const STOPPED = channel({ sourceHost: "10.0.0.1", ioRunning: "No", sqlRunning: "No" });
const address = (id: number): string => `10.0.0.${id}`;

/** A server of the fleet that answers what `answers` has for it. */
function member(id: number, answers: Map<number, Observation>): FleetMember {
  const watched = {
    name: `db${id}`,
    endpoint: { kind: "tcp", host: address(id), port: 3306 } as const,
    policy: { ...DEFAULT_POLICY, staleAfterMs: 3000 },
    intervalMs: 1000,
    checkTimeoutMs: 1000,
    heartbeatMs: 0,
  };
  const createProbe = () => ({
    ask: async () => ({ ...(answers.get(id) as Observation) }),
    ping: async () => undefined,
    onConnectionLost: () => {},
    close: () => {},
  });
  return {
    watched,
    addresses: [{ host: address(id), port: 3306 }],
    priority: 1,
    key: `db${id}`,
    createProbe,
  };
}

test("nobody is told that a server is well together with the role that it had while it was not", async () => {
  const clock = new FakeClock(1_000_000);
  const primary = reached(facts({ serverId: 1 }));
  const replica = reached(facts({ serverId: 2, channels: [channel({ sourceHost: address(1) })] }));
  const answers = new Map([
    [1, primary],
    [2, replica],
    [3, replica],
  ]);
  const store = new FleetStore();
  const listener = { onEvents: () => {}, onJudged: () => {}, onState: () => {} };
  const surroundings = { store, clock, log: SILENT_LOG, listener };
  const monitor = new FleetMonitor(
    {
      name: "fleet",
      members: [1, 2, 3].map((id) => member(id, answers)),
      judge: bindModule(mariadbmon, mariadbmon.defaults),
    },
    { ...surroundings, overlayOf: () => NO_OVERLAY, openConnectionsOf: () => 0 },
    undefined,
  );
  const seen: string[] = [];
  store.subscribe(({ servers }) => {
    for (const [name, { verdict }] of servers)
      if (verdict.up) seen.push(`${name} ${monitor.states.get(name)?.role}`);
  });
  monitor.start();
  await clock.advanceSettling(5000);
  expect(monitor.primary).toBe("db1");

  // A switchover to db2, whose replicas are writable: db3 stops, and while it has no source it is the only one to be chosen.
  seen.length = 0;
  answers.set(1, reached(facts({ serverId: 1, readOnly })));
  answers.set(3, reached(facts({ serverId: 3, channels: [STOPPED] })));
  await clock.advanceSettling(5000);
  expect(monitor.primary).toBe("db3");
  expect(seen).not.toContain("db3 primary"); // its verdict is that of a replica that has stopped

  answers.set(3, reached(facts({ serverId: 3, channels: [channel({ sourceHost: address(2) })] })));
  answers.set(2, reached(facts({ serverId: 2 })));
  await clock.advanceSettling(5000);
  expect(monitor.primary).toBe("db2");
  expect(seen).toContain("db3 replica");
  expect(seen).not.toContain("db3 primary");
});
