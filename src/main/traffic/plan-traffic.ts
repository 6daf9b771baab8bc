import type {
  Configuration,
  ListenerObject,
  ServerObject,
  ServiceObject,
} from "../../config/configuration.ts";
import { serversOf } from "../../config/servers-of-service.ts";
import { SluiceError } from "../../errors/sluice-error.ts";
import type { ServiceRule } from "../../proxy/router/route-connections.ts";
import type { ListenOptions } from "../../system/listening-socket.ts";
import type { Endpoint } from "../../topology/endpoint.ts";
import { planSplit } from "./plan-split.ts";
import { limitsOf } from "./service-limits.ts";
import type { PlannedServer, ServicePlan } from "./service-plan.ts";

/** Where a listener listens, and for whom. */
export interface ListenerPlan {
  readonly name: string;
  readonly service: string;
  readonly place: Endpoint;
  readonly options: ListenOptions;
  readonly trusted: readonly string[];
}

/** All services, by name. */
export function planServices(configuration: Configuration): ReadonlyMap<string, ServicePlan> {
  const services = [...configuration.services.values()];
  return new Map(services.map((service) => [service.name, planService(service, configuration)]));
}

/** Throws CONFIG_INVALID where the listener asks for what its service cannot do. */
export function planListener(listener: ListenerObject, service: ServiceObject): ListenerPlan {
  const { name, parameters: p } = listener;
  if (p.ssl && service.module === "readconnroute") {
    throw new SluiceError(
      "CONFIG_INVALID",
      `[${name}] ssl=true: a readconnroute service passes TLS through to the server; set ssl and the certificate on the servers themselves`,
    );
  }
  const trusted = p.proxy_protocol_networks ?? [];
  const place: Endpoint =
    p.socket === undefined
      ? { kind: "tcp", host: p.address, port: p.port ?? 0 }
      : { kind: "socket", path: p.socket };
  const options = { backlog: p.backlog, userTimeoutMs: p.tcp_user_timeout };
  return { name, service: p.service, place, options, trusted };
}

function planService(service: ServiceObject, configuration: Configuration): ServicePlan {
  const servers = [...serversOf(service, configuration)].flatMap((server) => {
    const object = configuration.servers.get(server);
    return object === undefined ? [] : [planServer(object)];
  });
  if (service.module === "readwritesplit") return planSplit(service, servers);
  const { name, parameters: p } = service;
  const rule: ServiceRule = {
    name,
    roles: p.router_options,
    masterAcceptReads: p.master_accept_reads,
    maxLagSeconds: p.max_replication_lag === 0 ? undefined : p.max_replication_lag / 1000,
    balance: p.balance,
    top: p.top,
    onServerDown: p.on_server_down,
    drainTimeoutMs: p.drain_timeout,
    limits: limitsOf(service),
  };
  const kernel =
    p.dataplane === "kernel"
      ? { ttlMs: p.kernel_ttl, masquerade: p.kernel_masquerade, keepOnExit: p.kernel_keep_on_exit }
      : undefined;
  return { router: "readconnroute", rule, servers, latencySamples: p.latency_samples, kernel };
}

function planServer({ name, parameters: p }: ServerObject): PlannedServer {
  const endpoint: Endpoint =
    p.socket === undefined
      ? { kind: "tcp", host: p.address ?? "", port: p.port }
      : { kind: "socket", path: p.socket };
  return {
    server: name,
    endpoint,
    weight: p.weight,
    maxConnections: p.max_routing_connections,
    proxyProtocol: p.proxy_protocol,
    userTimeoutMs: p.tcp_user_timeout,
    rank: p.rank,
    poolMax: p.persistpoolmax,
    poolMaxTimeMs: p.persistmaxtime,
  };
}
