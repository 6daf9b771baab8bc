import type { ServiceTraffic } from "../passthrough/service-traffic.ts";
import { foundSession } from "../split/found-session.ts";
import type { SplitService } from "../split/split-service.ts";
import type { ServiceCounters, SessionLine } from "./messages.ts";

export function serviceCounters(traffic: ServiceTraffic): ServiceCounters {
  const { total, most, refused, retried } = traffic.counters;
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
    servers: Object.fromEntries(servers),
  };
}

export function splitCounters(split: SplitService): ServiceCounters {
  const { total, most, refused, retried, failedLogins } = split.counters;
  const servers = [...split.allServers].map(([name, server]) => {
    const { running, reads, writes } = server;
    return [name, { current: server.legs.size, total: server.total, running, reads, writes }];
  });
  return {
    current: split.sessions.size,
    total,
    most,
    refused,
    retried,
    failedLogins,
    waiting: split.waiting,
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
