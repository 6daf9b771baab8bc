import { readFileSync } from "node:fs";
import { readSecretLine } from "../../cli/fleet/secret-file.ts";
import { Daemon } from "../../client/rest/daemon.ts";
import type { Login } from "../../client/rest/login.ts";
import { passiveFlag } from "../../client/rest/passive.ts";
import { parseHosts } from "../../client/rest/route.ts";
import type { Configuration, PublisherObject } from "../../config/configuration.ts";
import { Secret } from "../../config/secret.ts";
import type { Decrypt } from "../../config/secrets.ts";
import { versionRange } from "../../config/tls/tls-objects.ts";
import { hostPort } from "../../config/values/address.ts";
import { errorMessage, SluiceError } from "../../errors/sluice-error.ts";
import { AgentCheckPublisher } from "../../publish/agent-check/agent-check-publisher.ts";
import { AgentSocket } from "../../publish/agent-socket/agent-socket.ts";
import {
  type HaproxySocketOptions,
  HaproxySocketPublisher,
} from "../../publish/haproxy-socket/haproxy-socket-publisher.ts";
import type { CredentialsOptions } from "../../publish/http/credentials.ts";
import { HttpPublisher } from "../../publish/http/http-publisher.ts";
import { type NotifyOptions, NotifyPublisher } from "../../publish/notify/notify-publisher.ts";
import type { ServerSelection } from "../../publish/published-servers.ts";
import type { Publisher } from "../../publish/publisher.ts";
import type { ServerTlsFiles } from "../../publish/tcp/server-tls.ts";
import { type TrackFileOptions, TrackFilePublisher } from "../../publish/track-file/track-file-publisher.ts";
import type { RuntimePaths } from "../../system/runtime-paths.ts";
import type { Endpoint } from "../../topology/endpoint.ts";
import { ownProgram } from "../own-program.ts";
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
  const decrypt = naming(publisher.name, services.decrypt);
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
        tls: tlsOf(publisher.name, p),
        credentials: credentialsOf(p, decrypt),
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
    case "haproxy-socket":
      return new HaproxySocketPublisher(haproxySocketOptions(publisher, servers), fleet, clock, log);
    case "track-file":
      return new TrackFilePublisher(trackFileOptions(publisher, servers), fleet, clock, log);
    case "notify":
      return new NotifyPublisher(notifyOptions(publisher, servers, decrypt), fleet, clock, log);
    case "port-gate":
      return createPortGate(publisher, servers, configuration, services);
  }
}

/** Says whose password cannot be read. */
function naming(publisher: string, decrypt: Decrypt): Decrypt {
  return (written) => {
    try {
      return decrypt(written);
    } catch (error) {
      throw new SluiceError("SECRET_UNREADABLE", `[${publisher}] ${errorMessage(error)}`, { cause: error });
    }
  };
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

type Haproxy = Extract<PublisherObject, { module: "haproxy-socket" }>;

function haproxySocketOptions(
  { name, parameters: p }: Haproxy,
  servers: ServerSelection,
): HaproxySocketOptions {
  if (p.server_name !== undefined && (servers === "all" || servers.length !== 1)) {
    throw new SluiceError(
      "CONFIG_INVALID",
      `[${name}] server_name is the name of one server: give server=, too`,
    );
  }
  return {
    name,
    socket: runtimeAddress(name, p.socket),
    servers,
    backends: p.backends,
    serverName: p.server_name,
    mode: p.mode,
  };
}

function runtimeAddress(name: string, text: string): Endpoint {
  if (text.startsWith("/")) return { kind: "socket", path: text };
  const parsed = hostPort().parse(text);
  if (parsed.ok) return { kind: "tcp", ...parsed.value };
  throw new SluiceError(
    "CONFIG_INVALID",
    `[${name}] socket=${text} is ${parsed.wrong}; expected HOST:PORT or a path`,
  );
}

type TrackFile = Extract<PublisherObject, { module: "track-file" }>;

function trackFileOptions({ name, parameters: p }: TrackFile, servers: ServerSelection): TrackFileOptions {
  // Where systemd makes a directory for as long as the service runs, it says which.
  const directories = process.env["RUNTIME_DIRECTORY"]?.split(":") ?? [];
  const fleeting = directories.find((directory) => p.file.startsWith(`${directory}/`));
  if (fleeting !== undefined) {
    throw new SluiceError(
      "CONFIG_INVALID",
      `[${name}] file=${p.file}: systemd removes ${fleeting} with the service, and to keepalived a missing file is a good one; put it elsewhere, such as /var/lib/sluice/track`,
    );
  }
  return {
    name,
    file: p.file,
    servers,
    values: { up: p.value_up, drain: p.value_drain, down: p.value_down },
    guardCommand: [...ownProgram(), "track-guard"],
  };
}

type Notify = Extract<PublisherObject, { module: "notify" }>;

const NOTIFY_REQUEST_MS = 2000;

function notifyOptions(
  { name, parameters: p }: Notify,
  servers: ServerSelection,
  decrypt: Decrypt,
): NotifyOptions {
  const secure = p.ssl || p.ssl_ca !== undefined;
  const ca = p.ssl_ca === undefined ? undefined : readFileSync(p.ssl_ca, "utf8");
  const fromFile = p.password_file === undefined ? undefined : readSecretLine(p.password_file);
  const password = p.password === undefined ? fromFile : decrypt(p.password);
  const login: Login =
    p.user === undefined
      ? { kind: "none" }
      : { kind: "basic", user: p.user, password: password ?? new Secret("") };
  const options = {
    tls: { ca, cert: undefined, key: undefined, verify: true },
    login: async () => login,
    timeoutMs: NOTIFY_REQUEST_MS,
  };
  const daemons = parseHosts(p.hosts.join(","), secure).map((address) => new Daemon(address, options));
  const targets = daemons.map(passiveFlag);
  return { name, targets, fifo: p.fifo, servers, retryMs: p.retry_interval };
}

type HttpParameters = Extract<PublisherObject, { module: "http" }>["parameters"];

function tlsOf(name: string, p: HttpParameters): ServerTlsFiles | undefined {
  if (!p.ssl) return undefined;
  if (p.ssl_cert !== undefined && p.ssl_key !== undefined) {
    const ca = p.ssl_verify_peer_certificate ? p.ssl_ca : undefined;
    return { cert: p.ssl_cert, key: p.ssl_key, ca, ...versionRange(p.ssl_version) };
  }
  throw new SluiceError("CONFIG_INVALID", `[${name}] ssl=true needs ssl_cert and ssl_key`);
}

function credentialsOf(p: HttpParameters, decrypt: Decrypt): CredentialsOptions | undefined {
  const { auth_user: user, auth_password: password, auth_token: token } = p;
  if (user === undefined && token === undefined) return undefined;
  return {
    ...(user === undefined
      ? {}
      : { basic: { user, password: password === undefined ? "" : decrypt(password).reveal() } }),
    ...(token === undefined ? {} : { bearer: decrypt(token).reveal() }),
  };
}
