import type { Command } from "../cli/command.ts";
import { connectionFlags } from "../cli/connection-options.ts";
import { parseArguments } from "../cli/parse-arguments.ts";
import { compileConfiguration } from "../config/compile-configuration.ts";
import type { Configuration } from "../config/configuration.ts";
import { resolveConnection } from "../config/connection.ts";
import { REAL_FILES } from "../config/file-access.ts";
import { formatProblem } from "../config/problem.ts";
import type { SourceSection } from "../config/source.ts";
import { SluiceError } from "../errors/sluice-error.ts";
import { becomeFrugal, forgetStarting } from "../system/frugal-runtime.ts";
import { findGroup, findIdentity } from "../system/privileges.ts";
import { runtimePaths } from "../system/runtime-paths.ts";
import {
  AGENT_SPEC,
  type AgentValues,
  agentName,
  GATE_FLAGS,
  givenParameters,
  HTTP_FLAGS,
  MONITOR_FLAGS,
  SHARED_FLAGS,
} from "./agent-options.ts";
import type { DaemonPlan } from "./daemon.ts";
import { runDaemon } from "./daemon.ts";
import { flagSection } from "./flag-section.ts";

// By then the first verdict has been told, ms.
const STARTED_MS = 2000;

/**
 * `sluice agent`: the daemon of `sluice run` without a configuration file. Its flags become the objects that a file would
 * hold, so every value is checked by the same schemas and means the same.
 */
export const command: Command = {
  spec: AGENT_SPEC,
  async run(args) {
    const values = parseArguments(AGENT_SPEC, args).values as AgentValues;
    if (!values.check) await becomeFrugal("agent", process.env);
    setTimeout(() => void forgetStarting(), STARTED_MS).unref();
    return await runDaemon(() => agentPlan(values, process.env));
  },
};

function agentPlan(values: AgentValues, env: NodeJS.ProcessEnv): DaemonPlan {
  const { target, warnings } = resolveConnection(
    { ...connectionFlags(values), checkQuery: values["check-query"] as string | undefined },
    env,
    REAL_FILES,
  );
  for (const warning of warnings) process.stderr.write(`sluice agent: ${warning}\n`);
  const sections = agentSections(values, target.endpoint.kind === "tcp" ? target.endpoint : undefined);
  if (!values.gate) refuseWithoutGate(values);
  return {
    configuration: compile(sections),
    origin: { file: undefined, sections, files: REAL_FILES, env },
    targetOf: () => target,
    decrypt: (written) => written,
    paths: runtimePaths(values["runtime-dir"], env),
    stateDirectory: values["state-dir"] ?? env["STATE_DIRECTORY"] ?? defaultStateDirectory(env),
    persistDirectory: undefined,
    controlGroup: controlGroup(values["control-group"]),
    pidFile: values["pid-file"],
    rehearsal: values.check ?? false,
    runAs: values["run-as"] === undefined ? undefined : findIdentity(values["run-as"]),
    createCompanion: undefined,
    createAdmin: undefined,
    log: {
      file: values["log-file"],
      level: values["log-level"] ?? "info",
      format: values["log-format"] ?? "auto",
    },
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
  values: AgentValues,
  tcp: { readonly host: string; readonly port: number } | undefined,
): readonly SourceSection[] {
  const address =
    tcp === undefined
      ? { socket: "/found/by/the/connection" }
      : { address: tcp.host, port: String(tcp.port) };
  const server = agentName(values);
  return [
    flagSection(server, { type: "server", ...address }),
    flagSection(MONITOR_NAME, {
      type: "monitor",
      module: "auto",
      servers: server,
      ...givenParameters(values, MONITOR_FLAGS),
    }),
    flagSection("http", {
      type: "publisher",
      module: "http",
      server,
      ...givenParameters(values, HTTP_FLAGS),
    }),
    ...(values["agent-port"] === undefined
      ? []
      : [
          flagSection("agent-check", {
            type: "publisher",
            module: "agent-check",
            server,
            port: values["agent-port"],
            ...givenParameters(values, SHARED_FLAGS),
          }),
        ]),
    ...(values.gate ? [gateSection(values, server, tcp?.port)] : []),
  ];
}

/** The gate leads to the port that is watched, where it is known. */
function gateSection(values: AgentValues, server: string, serverPort: number | undefined): SourceSection {
  return flagSection("gate", {
    type: "publisher",
    module: "port-gate",
    server,
    ...(serverPort === undefined ? {} : { real_port: String(serverPort) }),
    ...givenParameters(values, GATE_FLAGS),
  });
}

function refuseWithoutGate(values: AgentValues): void {
  const alone = Object.keys(GATE_FLAGS.parameters)
    .map(GATE_FLAGS.flagOf)
    .find((flag) => values[flag] !== undefined);
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
  if (section === "gate") return GATE_FLAGS.flagOf(parameter);
  return (section === "http" || section === "agent-check" ? HTTP_FLAGS : MONITOR_FLAGS).flagOf(parameter);
}

function defaultStateDirectory(env: NodeJS.ProcessEnv): string {
  if (process.getuid?.() === 0) return "/var/lib/sluice";
  return `${env["XDG_STATE_HOME"] ?? `${env["HOME"] ?? "/tmp"}/.local/state`}/sluice`;
}
