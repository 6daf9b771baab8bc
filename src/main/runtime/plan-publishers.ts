import type { Configuration, PublisherObject } from "../../config/configuration.ts";
import { SluiceError } from "../../errors/sluice-error.ts";
import { AgentCheckPublisher } from "../../publish/agent-check/agent-check-publisher.ts";
import { AgentSocket } from "../../publish/agent-socket/agent-socket.ts";
import { HttpPublisher } from "../../publish/http/http-publisher.ts";
import type { ServerSelection } from "../../publish/published-servers.ts";
import type { Publisher } from "../../publish/publisher.ts";
import type { RuntimePaths } from "../../system/runtime-paths.ts";
import { createPortGate } from "./plan-port-gate.ts";
import type { Services } from "./services.ts";

/** The sockets for the commands on this host. `controlGid`: group that may set maintenance besides the owner. */
export function agentSocket(
  paths: RuntimePaths,
  controlGid: number | undefined,
  services: Services,
): AgentSocket {
  const { actions, metrics, fleet, clock } = services;
  const options = {
    publicPath: paths.agentSocket,
    controlPath: paths.controlSocket,
    controlGid,
    actions,
    metrics,
  };
  return new AgentSocket(options, fleet, clock, services.log.child({ publisher: "agent-socket" }));
}

/** The publisher of a configured object. Throws CONFIG_INVALID where it cannot be. */
export function createPublisher(
  publisher: PublisherObject,
  configuration: Configuration,
  services: Services,
): Publisher {
  const servers = selection(publisher, configuration);
  const { fleet, clock } = services;
  const log = services.log.child({ publisher: publisher.name });
  switch (publisher.module) {
    case "http": {
      const { parameters: p } = publisher;
      const options = {
        name: publisher.name,
        listen: { kind: "tcp", host: p.address, port: p.port } as const,
        servers,
        body: p.body,
        drainStatus: p.drain_status === "404" ? (404 as const) : (503 as const),
        silentAnswerMs: p.silent_after,
        requestMs: p.request_timeout,
        maxConnections: p.max_connections,
        onlyFrom: p.only_from,
        tls: certificateOf(publisher.name, p),
        credentials: credentialsOf(p),
        metrics: services.metrics,
      };
      return new HttpPublisher(options, fleet, clock, log);
    }
    case "agent-check": {
      const { parameters: p } = publisher;
      const options = {
        name: publisher.name,
        listen: { kind: "tcp", host: p.address, port: p.port } as const,
        servers,
        maxConnections: p.max_connections,
        onlyFrom: p.only_from,
        weightByLag: p.weight_lag === 0 ? undefined : { limitSeconds: p.weight_lag / 1000 },
      };
      return new AgentCheckPublisher(options, fleet, clock, log);
    }
    case "port-gate":
      return createPortGate(publisher, servers, configuration, services);
    case "track-file":
    case "haproxy-socket":
    case "notify":
      throw new SluiceError(
        "CONFIG_INVALID",
        `[${publisher.name}] module=${publisher.module} is not in this version yet`,
      );
  }
}

/** The servers a publisher speaks of: its own, its monitor's, its service's, else all. */
function selection({ name, parameters }: PublisherObject, configuration: Configuration): ServerSelection {
  if (parameters.server !== undefined) return [parameters.server];
  if (parameters.monitor !== undefined)
    return configuration.monitors.get(parameters.monitor)?.parameters.servers ?? [];
  if (parameters.service === undefined) return "all";
  const service = configuration.services.get(parameters.service)?.parameters;
  if (service?.cluster !== undefined)
    return configuration.monitors.get(service.cluster)?.parameters.servers ?? [];
  if (service?.servers !== undefined) return service.servers;
  throw new SluiceError(
    "CONFIG_INVALID",
    `[${name}] service=${parameters.service} has no servers of its own`,
  );
}

type HttpParameters = Extract<PublisherObject, { module: "http" }>["parameters"];

function certificateOf(name: string, p: HttpParameters): { certPath: string; keyPath: string } | undefined {
  if (!p.ssl) return undefined;
  if (p.ssl_cert !== undefined && p.ssl_key !== undefined)
    return { certPath: p.ssl_cert, keyPath: p.ssl_key };
  throw new SluiceError("CONFIG_INVALID", `[${name}] ssl=true needs ssl_cert and ssl_key`);
}

function credentialsOf(p: HttpParameters) {
  const { auth_user: user, auth_password: password, auth_token: token } = p;
  if (user === undefined && token === undefined) return undefined;
  return {
    ...(user === undefined ? {} : { basic: { user, password: password?.reveal() ?? "" } }),
    ...(token === undefined ? {} : { bearer: token.reveal() }),
  };
}
