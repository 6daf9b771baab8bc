import { hostname } from "node:os";
import { Command, Option } from "commander";
import { CONNECTION_OPTIONS } from "../cli/connection-options.ts";
import { addOptions, parseProgram } from "../cli/program.ts";
import { compileConfiguration } from "../config/compile-configuration.ts";
import type { Configuration } from "../config/configuration.ts";
import { type ConnectionFlags, readPasswordFile, resolveConnection } from "../config/connection.ts";
import { REAL_FILES } from "../config/file-access.ts";
import type { ParameterSet } from "../config/parameter.ts";
import { formatProblem } from "../config/problem.ts";
import { HEALTH } from "../config/schema/health.ts";
import { MONITOR } from "../config/schema/monitor.ts";
import { PUBLISHER } from "../config/schema/publisher.ts";
import type { SourceSection } from "../config/source.ts";
import { SluiceError } from "../errors/sluice-error.ts";
import { becomeFrugal, forgetStarting } from "../system/frugal-runtime.ts";
import { findGroup, findIdentity } from "../system/privileges.ts";
import { runtimePaths } from "../system/runtime-paths.ts";
import type { DaemonPlan } from "./daemon.ts";
import { runDaemon } from "./daemon.ts";
import { flagSection } from "./flag-section.ts";

// By then the first verdict has been told, ms.
const STARTED_MS = 2000;

/**
 * `sluice agent`: the daemon of `sluice run` without a configuration file. Its flags become the objects that a file would
 * hold, so every value is checked by the same schemas and means the same.
 */
export async function agentCommand(args: readonly string[]): Promise<number> {
  const program = agentProgram();
  if (!parseProgram(program, args)) return 0;
  const flags = program.opts<AgentFlags>();
  if (!flags.check) await becomeFrugal("agent", process.env);
  setTimeout(() => void forgetStarting(), STARTED_MS).unref();
  return await runDaemon(() => agentPlan(flags, process.env));
}

// Parameters of the objects behind the agent that are flags, too: name -> the agent's own default, if it differs.
const MONITOR_FLAGS: ParameterSet = { monitor_interval: MONITOR.modules.auto.monitor_interval, ...HEALTH };
const HTTP_FLAGS: ParameterSet = PUBLISHER.modules.http;
// What is said of who may ask holds for both ports.
const { address, only_from, max_connections } = PUBLISHER.modules.http;
const SHARED_FLAGS: ParameterSet = { address, only_from, max_connections };
const GATE_FLAGS: ParameterSet = PUBLISHER.modules["port-gate"];
const GATE_NAMES: Readonly<Record<string, string>> = { backend: "gate-backend" };
const AGENT_DEFAULTS: Readonly<Record<string, string>> = { heartbeat: "100ms" };
// Some flags need another name than their parameter: port is the server's.
const HTTP_NAMES: Readonly<Record<string, string>> = { address: "listen", port: "http-port", ssl: "https" };

function httpFlag(name: string): string {
  if (name.startsWith("ssl_")) return `https-${dashed(name.slice(4))}`;
  const isSecret = HTTP_FLAGS[name]?.secret === true; // argv is public: the flag names a file
  return HTTP_NAMES[name] ?? (isSecret ? `${dashed(name)}-file` : dashed(name));
}

interface AgentFlags extends Record<string, unknown> {
  readonly name: string;
  readonly agentPort?: string;
  readonly gate?: boolean;
  readonly runtimeDir?: string;
  readonly stateDir?: string;
  readonly pidFile?: string;
  readonly check?: true | "servers";
  readonly runAs?: string;
  readonly controlGroup?: string;
  readonly logFile?: string;
  readonly logLevel: "debug" | "info" | "warn" | "error";
  readonly logFormat: "auto" | "text" | "json";
}

export function agentProgram(): Command {
  const program = new Command("sluice agent")
    .description(
      "Watches the local server and answers the health checks of balancers.\nIt finds the server, the account and the password as the mysql client does.",
    )
    .allowExcessArguments(false)
    .addOption(
      new Option("--name <name>", "name of the server in verdicts and metrics").default(
        hostname(),
        "this host's",
      ),
    );
  addOptions(program, CONNECTION_OPTIONS);
  const ofSchema = (set: ParameterSet, flagOf: (name: string) => string): void => {
    for (const [name, { description, default: byDefault, secret, type }] of Object.entries(set)) {
      if (secret) {
        program.option(`--${flagOf(name)} <file>`, `${description} (the first line of a file)`);
        continue;
      }
      const value = AGENT_DEFAULTS[name] ?? byDefault;
      // A switch may stand alone: --keep-on-exit.
      const placeholder = [type.json["type"]].flat().includes("boolean") ? "[value]" : "<value>";
      program.option(
        `--${flagOf(name)} ${placeholder}`,
        `${description} (${type.expected})${value ? ` (default: ${value})` : ""}`,
      );
    }
  };
  ofSchema(MONITOR_FLAGS, dashed);
  ofSchema(HTTP_FLAGS, httpFlag);
  program.option(
    "--gate",
    "open a mirror port while the server is healthy, for balancers that only try a port",
  );
  ofSchema(GATE_FLAGS, gateFlag);
  return program
    .option("--agent-port <port>", "answer HAProxy's agent-check on this port")
    .option("--runtime-dir <dir>", "directory of agent.sock and control.sock")
    .option("--state-dir <dir>", "directory of what survives a restart (default: /var/lib/sluice)")
    .option("--control-group <group>", "group that may set maintenance besides root")
    .option("--pid-file <file>", "write the process number here")
    .option("--run-as <user[:group]>", "give up root for this user once the ports are open")
    .option("--log-file <file>", "log here instead of to standard error; reopened on SIGHUP")
    .option("--log-level <level>", "debug, info, warn or error", "info")
    .option("--log-format <format>", "text, json, or auto: text on a terminal", "auto")
    .addOption(
      new Option(
        "--check [servers]",
        "only look whether it could run so, say what speaks against it, and end; with `servers`: ask them, too, and tell which are down",
      ).choices(["servers"]),
    );
}

function agentPlan(flags: AgentFlags, env: NodeJS.ProcessEnv): DaemonPlan {
  const { target, warnings } = resolveConnection(flags as ConnectionFlags, env, REAL_FILES);
  for (const warning of warnings) process.stderr.write(`sluice agent: ${warning}\n`);
  const sections = agentSections(flags, target.endpoint.kind === "tcp" ? target.endpoint : undefined);
  if (!flags.gate) refuseWithoutGate(flags);
  return {
    configuration: compile(sections),
    origin: { file: undefined, sections, files: REAL_FILES, env },
    targetOf: () => target,
    decrypt: (written) => written,
    paths: runtimePaths(flags.runtimeDir, env),
    stateDirectory: flags.stateDir ?? env["STATE_DIRECTORY"] ?? defaultStateDirectory(env),
    persistDirectory: undefined,
    controlGroup: controlGroup(flags.controlGroup),
    pidFile: flags.pidFile,
    rehearsal: flags.check ?? false,
    runAs: flags.runAs === undefined ? undefined : findIdentity(flags.runAs),
    createCompanion: undefined,
    createAdmin: undefined,
    log: { file: flags.logFile, level: flags.logLevel, format: flags.logFormat },
  };
}

function controlGroup(given: string | undefined): string {
  if (given === undefined) return "sluice";
  if (findGroup(given) === undefined)
    throw new SluiceError("USAGE", `--control-group ${given}: there is no such group`);
  return given;
}

const MONITOR_NAME = "agent";

/** The objects that the flags stand for: one server, one monitor, one or two publishers. */
function agentSections(
  flags: AgentFlags,
  tcp: { readonly host: string; readonly port: number } | undefined,
): readonly SourceSection[] {
  const address =
    tcp === undefined
      ? { socket: "/found/by/the/connection" }
      : { address: tcp.host, port: String(tcp.port) };
  return [
    flagSection(flags.name, { type: "server", ...address }),
    flagSection(MONITOR_NAME, {
      type: "monitor",
      module: "auto",
      servers: flags.name,
      ...given(flags, MONITOR_FLAGS, dashed),
    }),
    flagSection("http", {
      type: "publisher",
      module: "http",
      server: flags.name,
      ...given(flags, HTTP_FLAGS, httpFlag),
    }),
    ...(flags.agentPort === undefined
      ? []
      : [
          flagSection("agent-check", {
            type: "publisher",
            module: "agent-check",
            server: flags.name,
            port: flags.agentPort,
            ...given(flags, SHARED_FLAGS, httpFlag),
          }),
        ]),
    ...(flags.gate ? [gateSection(flags, tcp?.port)] : []),
  ];
}

/** The gate leads to the port that is watched, where it is known. */
function gateSection(flags: AgentFlags, serverPort: number | undefined): SourceSection {
  return flagSection("gate", {
    type: "publisher",
    module: "port-gate",
    server: flags.name,
    ...(serverPort === undefined ? {} : { real_port: String(serverPort) }),
    ...given(flags, GATE_FLAGS, gateFlag),
  });
}

function refuseWithoutGate(flags: AgentFlags): void {
  const alone = Object.keys(GATE_FLAGS)
    .map(gateFlag)
    .find((name) => flags[camelCase(name)] !== undefined);
  if (alone !== undefined)
    throw new SluiceError("USAGE", `--${alone} is about the port gate: give --gate, too`);
}

function compile(sections: readonly SourceSection[]): Configuration {
  const result = compileConfiguration(sections, {});
  if (result.ok) return result.configuration;
  const problems = result.problems.map(
    (problem) =>
      `--${flagOf(problem.section, problem.parameter)}: ${formatProblem({ ...problem, section: undefined, parameter: undefined })}`,
  );
  throw new SluiceError("USAGE", [...new Set(problems)].join("\n")); // flags of both ports are told once
}

function flagOf(section: string | undefined, parameter: string | undefined): string {
  if (parameter === undefined) return section ?? "?";
  if (section === "agent-check" && parameter === "port") return "agent-port";
  if (section === "gate") return gateFlag(parameter);
  return section === "http" || section === "agent-check" ? httpFlag(parameter) : dashed(parameter);
}

/** The flags that were given, and the agent's own defaults, as parameters of an object. */
function given(
  flags: AgentFlags,
  set: ParameterSet,
  flagName: (name: string) => string,
): Record<string, string> {
  const values: Record<string, string> = {};
  for (const [name, { secret }] of Object.entries(set)) {
    const value = flags[camelCase(flagName(name))] ?? AGENT_DEFAULTS[name];
    if (value === undefined) continue;
    values[name] = secret ? readPasswordFile(String(value), REAL_FILES).reveal() : String(value);
  }
  return values;
}

function defaultStateDirectory(env: NodeJS.ProcessEnv): string {
  if (process.getuid?.() === 0) return "/var/lib/sluice";
  return `${env["XDG_STATE_HOME"] ?? `${env["HOME"] ?? "/tmp"}/.local/state`}/sluice`;
}

const gateFlag = (name: string): string => GATE_NAMES[name] ?? dashed(name);
const dashed = (name: string): string => name.replaceAll("_", "-");
const camelCase = (name: string): string =>
  name.replace(/-(.)/g, (_, letter: string) => letter.toUpperCase());
