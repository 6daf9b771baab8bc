import { createHash } from "node:crypto";
import { clientOptions } from "../../config/client-options.ts";
import type { Configuration, MonitorObject, ServerObject } from "../../config/configuration.ts";
import { keepingLast, readPasswordFile, readPem } from "../../config/connection.ts";
import type { FileAccess } from "../../config/file-access.ts";
import { CLIENT_GROUPS, readMyCnf } from "../../config/my-cnf.ts";
import type { Decrypt } from "../../config/secrets.ts";
import { versionRange } from "../../config/tls/tls-objects.ts";
import { SluiceError } from "../../errors/sluice-error.ts";
import {
  type BoundModule,
  bindModule,
  type FleetMember,
  type FleetPlan,
} from "../../monitor/fleet-monitor.ts";
import { auto } from "../../monitor/modules/auto.ts";
import { galeramon } from "../../monitor/modules/galeramon.ts";
import { mariadbmon } from "../../monitor/modules/mariadbmon.ts";
import { portmon } from "../../monitor/modules/portmon.ts";
import type { WatchedServer } from "../../monitor/server-watch.ts";
import { DatabaseProbe } from "../../probe/database/database-probe.ts";
import type { DatabaseTarget, TlsOptions } from "../../probe/database/target.ts";
import { PortProbe } from "../../probe/port/port-probe.ts";
import { type Questions, questionsOf } from "../../probe/probe.ts";
import { WatchdogProbe } from "../../probe/watchdog/watchdog-probe.ts";
import { lavishEnvironment } from "../../system/frugal-runtime.ts";
import type { Clock } from "../../telemetry/clock.ts";
import type { Endpoint } from "../../topology/endpoint.ts";
import { DEFAULT_POLICY, type Policy } from "../../verdict/policy.ts";

/** How a server is reached and logged in to. */
export type TargetOf = (server: ServerObject, monitor: MonitorObject) => DatabaseTarget;

/** What each monitor of a configuration watches, and how. Throws where a server cannot be planned: a missing file, no account. */
export function planFleets(
  configuration: Configuration,
  targetOf: TargetOf,
  clock: Clock,
): readonly FleetPlan[] {
  return [...configuration.monitors.values()].map((monitor) => ({
    name: monitor.name,
    judge: moduleOf(monitor),
    members: monitor.parameters.servers.flatMap((name) => {
      const server = configuration.servers.get(name);
      if (server === undefined) return [];
      return monitor.module === "portmon"
        ? planPortMember(server, monitor, clock)
        : planMember(server, monitor, targetOf(server, monitor), clock);
    }),
  }));
}

/** A server whose port is tried, or whose watchdog is asked: it needs no account. */
function planPortMember(
  server: ServerObject,
  monitor: Extract<MonitorObject, { module: "portmon" }>,
  clock: Clock,
): FleetMember {
  const endpoint = endpointOf(server);
  const { watchdog } = monitor.parameters;
  const watched = planWatch(server, monitor, endpoint, "port");
  return Object.freeze({
    watched,
    addresses: addressesOf(server),
    priority: server.parameters.priority,
    key: JSON.stringify([watched, watchdog]),
    createProbe: () =>
      watchdog === undefined
        ? new PortProbe(endpoint, clock)
        : new WatchdogProbe(watchdog, endpoint, watchdogEnvironment(process.env), clock),
  });
}

function planMember(
  server: ServerObject,
  monitor: MonitorObject,
  target: DatabaseTarget,
  clock: Clock,
): FleetMember {
  const health = effectiveHealth(server, monitor);
  const watched = planWatch(server, monitor, target.endpoint, health.profile);
  const asked = { ...target, checkQuery: health.check_query ?? target.checkQuery };
  const questions = questionsFor(monitor, watched.policy);
  return Object.freeze({
    watched,
    addresses: addressesOf(server),
    priority: server.parameters.priority,
    key: keyOf(watched, asked, questions),
    createProbe: () => new DatabaseProbe(asked, questions, clock),
  });
}

function planWatch(
  server: ServerObject,
  monitor: MonitorObject,
  endpoint: Endpoint,
  profile: Policy["profile"],
): WatchedServer {
  const health = effectiveHealth(server, monitor);
  const intervalMs = monitor.parameters.monitor_interval;
  const policy: Policy = Object.freeze({
    ...DEFAULT_POLICY,
    profile,
    availableWhenDonor: health.available_when_donor,
    availableWhenReadonly: health.available_when_readonly,
    maxTransactionsBehind: zeroIsNoLimit(health.max_transactions_behind),
    maxReplicationLagSeconds: zeroIsNoLimit(health.max_replication_lag / 1000),
    rise: health.rise,
    fall: health.fall,
    busyGraceMs: health.busy_grace,
    staleAfterMs: health.stale_after === "auto" ? 2 * intervalMs + health.check_timeout : health.stale_after,
  });
  return Object.freeze({
    name: server.name,
    endpoint,
    policy,
    intervalMs,
    checkTimeoutMs: health.check_timeout,
    heartbeatMs: health.heartbeat,
  });
}

/** Equal keys mean that a watch may go on as it is. The password counts by its digest. */
function keyOf(watched: WatchedServer, target: DatabaseTarget, questions: Questions): string {
  const password = createHash("sha256")
    .update(target.password() ?? "")
    .digest("hex");
  return JSON.stringify([watched, { ...target, password }, questions]);
}

/** Every address by which other servers may know this one. */
function addressesOf({ parameters }: ServerObject): FleetMember["addresses"] {
  const { address, private_address: privateAddress, port } = parameters;
  return [address, privateAddress].flatMap((host) => (host === undefined ? [] : [{ host, port }]));
}

function moduleOf(monitor: MonitorObject): BoundModule {
  const { parameters: p } = monitor;
  switch (monitor.module) {
    case "galeramon":
      return bindModule(galeramon, {
        availableWhenDonor: p.available_when_donor,
        disableMasterRoleSetting: monitor.parameters.disable_master_role_setting,
        disableMasterFailback: monitor.parameters.disable_master_failback,
        rootNodeAsMaster: monitor.parameters.root_node_as_master,
        usePriority: monitor.parameters.use_priority,
      });
    case "mariadbmon":
      return bindModule(mariadbmon, {
        ...mariadbmon.defaults,
        failcount: monitor.parameters.failcount,
        monitorIntervalMs: p.monitor_interval,
        masterConditions: monitor.parameters.master_conditions,
        slaveConditions: monitor.parameters.slave_conditions,
        assumeUniqueHostnames: monitor.parameters.assume_unique_hostnames,
        ignoreExternalMasters: monitor.parameters.ignore_external_masters,
      });
    case "auto":
      return bindModule(auto, {
        ...auto.defaults,
        availableWhenDonor: p.available_when_donor,
        monitorIntervalMs: p.monitor_interval,
      });
    case "portmon":
      return bindModule(portmon, portmon.defaults);
  }
}

type Health = Pick<MonitorObject["parameters"], HealthName>;
type HealthName =
  | "profile"
  | "check_timeout"
  | "heartbeat"
  | "check_query"
  | "busy_grace"
  | "rise"
  | "fall"
  | "stale_after"
  | "available_when_donor"
  | "available_when_readonly"
  | "max_transactions_behind"
  | "max_replication_lag";

/** The server's own word, else its monitor's. */
function effectiveHealth(server: ServerObject, monitor: MonitorObject): Health {
  const own = Object.entries(server.parameters).filter(([, value]) => value !== undefined);
  return { ...monitor.parameters, ...Object.fromEntries(own) } as Health;
}

function questionsFor(monitor: MonitorObject, { profile }: Policy): Questions {
  if (profile !== "auto") return questionsOf(profile);
  switch (monitor.module) {
    case "galeramon":
      return "galera";
    case "mariadbmon":
      return "replica";
    case "auto":
    case "portmon":
      return "auto";
  }
}

/** What this program was started with, as for GLB's watchdogs, but for what is ours: it may hold passwords. */
function watchdogEnvironment(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return Object.fromEntries(
    Object.entries(lavishEnvironment(env)).filter(([name]) => !name.startsWith("SLUICE_")),
  );
}

/** How a configured server is reached: its own account and TLS, else the monitor's. Throws where a file is missing. */
export function configuredTarget(
  server: ServerObject,
  monitor: MonitorObject,
  files: FileAccess,
  decrypt: Decrypt,
): DatabaseTarget {
  const own = server.parameters;
  const shared = monitor.parameters;
  const optionFile = own.defaults_extra_file ?? shared.defaults_extra_file;
  const fromFile = optionFile === undefined ? undefined : clientOptionsOf(optionFile, files);
  const user = own.monitoruser ?? shared.user ?? fromFile?.user;
  if (user === undefined) {
    throw new SluiceError(
      "CONFIG_INVALID",
      `[${monitor.name}] has no account for ${server.name}: give user and password, or defaults_extra_file, or monitoruser on [${server.name}]`,
    );
  }
  const passwordFile = own.monitorpw_file ?? shared.password_file;
  const read = (): string | undefined => {
    if (own.monitorpw !== undefined) return decrypt(own.monitorpw).reveal();
    if (own.monitorpw_file === undefined && shared.password !== undefined)
      return decrypt(shared.password).reveal();
    if (passwordFile !== undefined) return readPasswordFile(passwordFile, files).reveal();
    return optionFile === undefined ? undefined : clientOptionsOf(optionFile, files).password?.reveal();
  };
  return Object.freeze({
    endpoint: endpointOf(server),
    user,
    password: keepingLast(read),
    tls: own.ssl ? tlsOf(server, files) : undefined,
    database: undefined,
    checkQuery: undefined,
  });
}

function endpointOf({ name, parameters }: ServerObject): Endpoint {
  const { address, socket, port, extra_port: extraPort } = parameters;
  if (socket !== undefined) return { kind: "socket", path: socket };
  if (address === undefined)
    throw new SluiceError("CONFIG_INVALID", `[${name}] has neither address nor socket`);
  return { kind: "tcp", host: address, port: extraPort ?? port };
}

export function tlsOf({ parameters }: ServerObject, files: FileAccess): TlsOptions {
  const pem = (path: string | undefined): string | undefined =>
    path === undefined ? undefined : readPem(path, files);
  return Object.freeze({
    ca: pem(parameters.ssl_ca),
    cert: pem(parameters.ssl_cert),
    key: pem(parameters.ssl_key),
    verifyCertificate: parameters.ssl_verify_peer_certificate,
    verifyHost: parameters.ssl_verify_peer_host,
    crl: pem(parameters.ssl_crl),
    ciphers: parameters.ssl_cipher,
    ...versionRange(parameters.ssl_version),
  });
}

export const clientOptionsOf = (path: string, files: FileAccess): ReturnType<typeof clientOptions> =>
  clientOptions(readMyCnf({ groups: CLIENT_GROUPS, onlyFile: path }, files).options);

const zeroIsNoLimit = (limit: number): number | undefined => (limit === 0 ? undefined : limit);
