import type { FleetStatus } from "../../client/rest/fleet-status.ts";
import { related } from "../../client/rest/resource.ts";
import { formatHostPort } from "../../topology/endpoint.ts";

/** `sluice status --json`. Every name is always there; what is not known is null. Times are texts of the daemon. */
export interface StatusDocument {
  readonly version: string | null;
  readonly uptime_seconds: number | null;
  readonly passive: boolean;
  readonly monitors: readonly MonitorStatus[];
  readonly servers: readonly ServerStatus[];
  readonly services: readonly ServiceStatus[];
  readonly publishers: readonly PublisherStatus[];
  readonly events: readonly EventStatus[];
}

export interface MonitorStatus {
  readonly name: string;
  readonly module: string | null;
  readonly state: string | null;
  readonly primary: string | null;
  readonly diagnosis: string | null;
  readonly servers: readonly string[];
}

export interface ServerStatus {
  readonly name: string;
  /** host:port, or the path of a socket. */
  readonly address: string;
  readonly state: string;
  readonly up: boolean | null;
  readonly code: string | null;
  readonly reason: string | null;
  readonly lag_seconds: number | null;
  readonly connections: number;
  readonly last_event: string | null;
  readonly last_event_at: string | null;
}

export interface ServiceStatus {
  readonly name: string;
  readonly router: string | null;
  readonly state: string | null;
  readonly connections: number;
}

export interface PublisherStatus {
  readonly name: string;
  readonly module: string | null;
  readonly state: string | null;
  readonly tells: string | null;
}

export interface EventStatus {
  readonly time: string | null;
  readonly server: string | null;
  readonly event: string | null;
  readonly from: string | null;
  readonly to: string | null;
  readonly reason: string | null;
}

export function statusDocument(status: FleetStatus): StatusDocument {
  const { daemon, monitors, servers, services, publishers, events } = status;
  const { version = null, uptime = null, parameters } = daemon.attributes;
  return {
    version,
    uptime_seconds: uptime,
    passive: parameters?.["passive"] === true,
    monitors: monitors.map(monitorStatus),
    servers: servers.map(serverStatus),
    services: services.map(({ id, attributes }) => ({
      name: id,
      router: attributes.router ?? null,
      state: attributes.state ?? null,
      connections: attributes.statistics?.connections ?? 0,
    })),
    publishers: publishers.map(({ id, attributes }) => ({
      name: id,
      module: attributes.module ?? null,
      state: attributes.state ?? null,
      tells: attributes.tells ?? attributes.state_details ?? null,
    })),
    events: events.map(({ attributes }) => ({
      time: attributes.time ?? null,
      server: attributes.server ?? null,
      event: attributes.event ?? null,
      from: attributes.from ?? null,
      to: attributes.to ?? null,
      reason: attributes.sentence ?? null,
    })),
  };
}

function monitorStatus(monitor: FleetStatus["monitors"][number]): MonitorStatus {
  const { module = null, state = null, monitor_diagnostics } = monitor.attributes;
  return {
    name: monitor.id,
    module,
    state,
    primary: monitor_diagnostics?.master ?? null,
    diagnosis: monitor_diagnostics?.diagnosis ?? null,
    servers: related(monitor, "servers"),
  };
}

function serverStatus({ id, attributes }: FleetStatus["servers"][number]): ServerStatus {
  const { parameters, verdict, replication_lag: lag, statistics } = attributes;
  const { address, port, socket } = parameters ?? {};
  return {
    name: id,
    address: address ? formatHostPort(String(address), Number(port)) : String(socket ?? ""),
    state: attributes.state ?? "",
    up: verdict?.up ?? null,
    code: verdict?.code ?? null,
    reason: attributes.details || verdict?.sentence || null,
    lag_seconds: lag === undefined || lag === null || lag < 0 ? null : lag,
    connections: statistics?.connections ?? 0,
    last_event: attributes.last_event ?? null,
    last_event_at: attributes.triggered_at ?? null,
  };
}
