import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import type { GlbdArguments } from "../cli/personas/glbd/options.ts";
import { compileConfiguration } from "../config/compile-configuration.ts";
import type { Configuration } from "../config/configuration.ts";
import { REAL_FILES } from "../config/file-access.ts";
import { formatProblem } from "../config/problem.ts";
import type { SourceSection } from "../config/source.ts";
import { type Destination, destinationName } from "../config/values/destination.ts";
import { SluiceError } from "../errors/sluice-error.ts";
import { findIdentity } from "../system/privileges.ts";
import { runtimePaths } from "../system/runtime-paths.ts";
import { formatHostPort } from "../topology/endpoint.ts";
import type { DaemonPlan } from "./daemon.ts";
import { flagSection } from "./flag-section.ts";
import { configuredTarget } from "./runtime/plan-servers.ts";

/** A watchdog program logs in anew at each poll, and GLB waits for it however long it takes. */
const WATCHDOG_MS = 5000;
const MONITOR = "servers";
const SERVICE = "glbd";

/** The daemon that GLB's command line stands for; paths in it are of the working directory. Throws USAGE with every mistake. */
export function glbdPlan(
  parsed: GlbdArguments,
  env: NodeJS.ProcessEnv,
): Omit<DaemonPlan, "log" | "onStarted"> {
  const { values, listen } = parsed;
  const sections = glbdSections(parsed);
  const state = resolve(values["state-dir"] ?? glbdStateDirectory(listen.port, env));
  return {
    configuration: compile(sections),
    origin: { file: undefined, sections, files: REAL_FILES, env },
    targetOf: (server, monitor) => configuredTarget(server, monitor, REAL_FILES, (written) => written),
    decrypt: (written) => written,
    paths: runtimePaths(resolve(values["runtime-dir"] ?? runtimeDirectory(listen.port, state, env)), env),
    stateDirectory: state,
    // A restart begins with the servers of its command line again, as GLB's does.
    persistDirectory: undefined,
    controlGroup: "sluice",
    pidFile: values["pid-file"] === undefined ? undefined : resolve(values["pid-file"]),
    runAs: values["run-as"] === undefined ? undefined : findIdentity(values["run-as"]),
    createCompanion: undefined,
    rehearsal: false,
    createAdmin: async (parts) => (await import("./runtime/admin.ts")).createAdmin(parts),
  };
}

/** The objects that the command line stands for. */
function glbdSections(parsed: GlbdArguments): readonly SourceSection[] {
  const { values, listen, destinations, balance, fifo } = parsed;
  const servers = named(destinations);
  return [
    flagSection("sluice", { threads: String(values.threads ?? 1), admin_enabled: "false" }),
    ...[...servers].map(([name, server]) => serverSection(name, server)),
    flagSection(MONITOR, {
      type: "monitor",
      ...watching(parsed),
      servers: [...servers.keys()].join(","),
      monitor_interval: `${Math.round((values.interval ?? 1) * 1000)}ms`,
    }),
    flagSection(SERVICE, {
      type: "service",
      router: "readconnroute",
      cluster: MONITOR,
      balance,
      top: String(parsed.top),
      max_connections: String(values.max_conn ?? 0),
      latency_samples: String(values.latency ?? 0),
      control_fifo: resolve(fifo),
      ...(values.control === undefined
        ? {}
        : { control: formatHostPort(values.control.host, values.control.port) }),
      ...(values["control-only-from"] === undefined
        ? {}
        : { control_only_from: values["control-only-from"].join(",") }),
    }),
    flagSection("listener", {
      type: "listener",
      service: SERVICE,
      address: listen.host,
      port: String(listen.port),
    }),
  ];
}

/** By name. A server that is named twice has the weight of its last place, as in GLB. */
function named(destinations: readonly Destination[]): ReadonlyMap<string, Destination> {
  const servers = new Map<string, Destination>();
  for (const destination of destinations) {
    const wanted = destinationName(destination);
    let name = wanted;
    for (let n = 2; servers.has(name) && servers.get(name)?.host !== destination.host; n++)
      name = `${wanted}.${n}`;
    servers.set(name, destination);
  }
  return servers;
}

function serverSection(name: string, { host, port, weight }: Destination): SourceSection {
  return flagSection(name, { type: "server", address: host, port: String(port), weight: String(weight) });
}

/** How servers are checked: by an account, by a watchdog, or by their port alone, which does not tell who the members are. */
function watching({ values, watchdog }: GlbdArguments): Readonly<Record<string, string>> {
  const file = values["defaults-extra-file"];
  const discover = String(values.discover ?? false);
  if (file !== undefined) return { module: "auto", defaults_extra_file: resolve(file), discover };
  if (watchdog === undefined) return { module: "portmon" };
  return { module: "portmon", watchdog, discover, check_timeout: `${WATCHDOG_MS}ms` };
}

function compile(sections: readonly SourceSection[]): Configuration {
  const result = compileConfiguration(sections, {});
  if (result.ok) return result.configuration;
  throw new SluiceError("USAGE", result.problems.map(formatProblem).join("\n"));
}

const isRoot = (): boolean => process.getuid?.() === 0;

/** Under systemd its own; else one of its own for each port, which the user of `--run-as` can reach, too. */
export function glbdStateDirectory(port: number, env: NodeJS.ProcessEnv): string {
  const [given] = (env["STATE_DIRECTORY"] ?? "").split(":");
  if (given) return given;
  if (isRoot()) return `/var/lib/glbd-${port}`;
  return join(env["XDG_STATE_HOME"] || join(env["HOME"] || tmpdir(), ".local/state"), `sluice/glbd-${port}`);
}

function runtimeDirectory(port: number, state: string, env: NodeJS.ProcessEnv): string {
  const [given] = (env["RUNTIME_DIRECTORY"] ?? "").split(":");
  if (given) return given;
  return isRoot() ? `/run/glbd-${port}` : join(env["XDG_RUNTIME_DIR"] || state, `glbd-${port}`);
}
