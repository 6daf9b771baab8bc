import type { ServiceTraffic } from "../passthrough/service-traffic.ts";
import { foundSession } from "../split/found-session.ts";
import type { SplitService } from "../split/split-service.ts";
import type { ServiceCounters, SessionLine } from "./messages.ts";

export function serviceCounters(traffic: ServiceTraffic): ServiceCounters {
  const { total, most, refused, retried } = traffic.counters;
  let { bytesIn, bytesOut, reads } = traffic.counters;
  for (const session of traffic.sessions) {
    bytesIn += session.bytesIn;
    bytesOut += session.bytesOut;
    reads += session.reads;
  }
  const servers = [...traffic.uses].map(([name, use]) => [
    name,
    { current: use.sessions.size, total: use.total },
  ]);
  return {
    current: traffic.sessions.size,
    total,
    most,
    refused,
    retried,
    waiting: traffic.waiting,
    bytesIn,
    bytesOut,
    reads,
    servers: Object.fromEntries(servers),
  };
}

export function splitCounters(split: SplitService): ServiceCounters {
  const { total, most, refused, retried, failedLogins } = split.counters;
  let { bytesIn, bytesOut, reads } = split.counters;
  for (const session of split.sessions.values()) {
    bytesIn += session.bytesIn;
    bytesOut += session.bytesOut;
    reads += session.reads;
  }
  const servers = [...split.allServers].map(([name, server]) => {
    const { running, writes } = server;
    const counts = { running, reads: server.reads, writes };
    return [name, { current: server.legs.size, total: server.total, ...counts }];
  });
  return {
    current: split.sessions.size,
    total,
    most,
    refused,
    retried,
    failedLogins,
    waiting: split.waiting,
    bytesIn,
    bytesOut,
    reads,
    servers: Object.fromEntries(servers),
  };
}

export function passthroughLines({ name, sessions }: ServiceTraffic, now: number): readonly SessionLine[] {
  return [...sessions].map((session) => {
    const { server, connectionId } = session;
    return {
      id: session.id,
      service: name,
      listener: session.listener,
      user: session.user,
      remote: session.remote,
      connectedAt: session.connectedAt,
      idleMs: session.idleMs(now),
      state: session.phase,
      connections: server === undefined ? [] : [{ server, connectionId }],
      bufferedBytes: session.bufferedBytes,
    };
  });
}

export function splitLines({ name, sessions }: SplitService, now: number): readonly SessionLine[] {
  return [...sessions.values()].map((session) => ({
    id: session.id,
    service: name,
    listener: session.listener,
    user: session.client.user,
    remote: session.client.address ?? "unix",
    connectedAt: session.connectedAt,
    idleMs: session.idleMs(now),
    state: session.phase,
    database: session.database,
    connections: foundSession(session).connections,
    bufferedBytes: session.bufferedBytes,
  }));
}
