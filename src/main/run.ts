import { Command, Option } from "commander";
import { parseProgram } from "../cli/program.ts";
import { compileConfiguration } from "../config/compile-configuration.ts";
import type { Configuration } from "../config/configuration.ts";
import { REAL_FILES } from "../config/file-access.ts";
import { readSources } from "../config/load-configuration.ts";
import { formatProblem, formatWarning } from "../config/problem.ts";
import { type Decrypt, SecretKeys } from "../config/secrets.ts";
import type { SourceSection } from "../config/source.ts";
import { checkTlsFiles } from "../config/tls/check-tls-files.ts";
import { SluiceError } from "../errors/sluice-error.ts";
import { becomeFrugal } from "../system/frugal-runtime.ts";
import { findIdentity } from "../system/privileges.ts";
import { runtimePaths } from "../system/runtime-paths.ts";
import type { LogOptions } from "../telemetry/logger.ts";
import { type DaemonPlan, runDaemon, type Sections } from "./daemon.ts";
import { createCompanion } from "./runtime/companion.ts";
import { configuredTarget } from "./runtime/plan-servers.ts";

interface RunFlags {
  readonly config: string;
  readonly runtimeDir?: string;
  readonly pidFile?: string;
  readonly check?: true | "servers";
  readonly runAs?: string;
  readonly logFile?: string;
  readonly logFormat: "auto" | "text" | "json";
}

/** `sluice run`: the daemon of a configuration file. */
export async function runCommand(args: readonly string[]): Promise<number> {
  const program = runProgram();
  if (!parseProgram(program, args)) return 0;
  const flags = program.opts<RunFlags>();
  if (!flags.check) await becomeFrugal("fleet", process.env);
  return await runDaemon((sections) => runPlan(flags, process.env, sections));
}

export function runProgram(): Command {
  return new Command("sluice run")
    .description("Runs the daemon of a configuration file: watches its servers and tells whoever asks.")
    .allowExcessArguments(false)
    .option("--config <file>", "configuration file", "/etc/sluice.cnf")
    .option("--runtime-dir <dir>", "directory of agent.sock and control.sock")
    .option("--pid-file <file>", "write the process number here")
    .option("--run-as <user[:group]>", "give up root for this user once the ports are open")
    .option("--log-file <file>", "log here instead of to standard error; reopened on SIGHUP")
    .option("--log-format <format>", "text, json, or auto: text on a terminal", "auto")
    .addOption(
      new Option(
        "--check [servers]",
        "only look whether it could run so, say what speaks against it, and end; with `servers`: ask them, too, and tell which are down",
      ).choices(["servers"]),
    );
}

function runPlan(flags: RunFlags, env: NodeJS.ProcessEnv, given: Sections | undefined): DaemonPlan {
  const { configuration, sections } = loadOrThrow(flags.config, env, given);
  const settings = configuration.sluice.parameters;
  const keys = SecretKeys.load(settings.secretsdir ?? settings.datadir, REAL_FILES);
  const decrypt: Decrypt = (written) => keys.decrypt(written);
  return {
    configuration,
    origin: { file: flags.config, sections, files: REAL_FILES, env },
    targetOf: (server, monitor) => configuredTarget(server, monitor, REAL_FILES, decrypt),
    decrypt,
    paths: runtimePaths(flags.runtimeDir, env),
    stateDirectory: env["STATE_DIRECTORY"] ?? settings.datadir,
    persistDirectory: settings.persist_runtime_changes ? settings.persistdir : undefined,
    controlGroup: "sluice",
    pidFile: flags.pidFile,
    rehearsal: flags.check ?? false,
    runAs: flags.runAs === undefined ? undefined : findIdentity(flags.runAs),
    log: logOptions(flags, settings),
    createCompanion,
    createAdmin: async (parts) => (await import("./runtime/admin.ts")).createAdmin(parts),
  };
}

/** Reads the configuration, or takes the one that is given; every mistake becomes a line of one CONFIG_INVALID, warnings go to standard error. */
function loadOrThrow(
  path: string,
  env: NodeJS.ProcessEnv,
  given: Sections | undefined,
): { configuration: Configuration; sections: readonly SourceSection[] } {
  const { sections, problems } =
    given === undefined ? readSources(path, REAL_FILES, env) : { sections: given, problems: [] };
  const result = compileConfiguration(sections, env, problems);
  const tls = result.ok ? checkTlsFiles(result.configuration, REAL_FILES, Date.now()) : NOTHING_FOUND;
  for (const warning of [...result.warnings, ...tls.warnings])
    process.stderr.write(`warning: ${formatWarning(warning)}\n`);
  const wrong = result.ok ? tls.problems : result.problems;
  if (result.ok && wrong.length === 0) return { configuration: result.configuration, sections };
  throw new SluiceError("CONFIG_INVALID", wrong.map(formatProblem).join("\n"));
}

const NOTHING_FOUND = { problems: [], warnings: [] } as const;

function logOptions(flags: RunFlags, settings: Configuration["sluice"]["parameters"]): LogOptions {
  const file = flags.logFile ?? (settings.logdir === undefined ? undefined : `${settings.logdir}/sluice.log`);
  const level = settings.log_debug
    ? "debug"
    : settings.log_notice || settings.log_info
      ? "info"
      : settings.log_warning
        ? "warn"
        : "error";
  return { file, level, format: flags.logFormat };
}
