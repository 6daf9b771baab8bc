import { type Command, type CommandSpec, type OptionValues, option } from "../cli/command.ts";
import { parseArguments } from "../cli/parse-arguments.ts";
import { compileConfiguration } from "../config/compile-configuration.ts";
import type { Configuration } from "../config/configuration.ts";
import { REAL_FILES } from "../config/file-access.ts";
import { readSources } from "../config/load-configuration.ts";
import { formatProblem, formatWarning } from "../config/problem.ts";
import { type Decrypt, SecretKeys } from "../config/secrets.ts";
import type { SourceSection } from "../config/source.ts";
import { checkTlsFiles } from "../config/tls/check-tls-files.ts";
import { text } from "../config/values/text.ts";
import { SluiceError } from "../errors/sluice-error.ts";
import { becomeFrugal } from "../system/frugal-runtime.ts";
import { findIdentity } from "../system/privileges.ts";
import { runtimePaths } from "../system/runtime-paths.ts";
import type { LogOptions } from "../telemetry/logger.ts";
import { type DaemonPlan, runDaemon, type Sections } from "./daemon.ts";
import { DAEMON_OPTIONS } from "./daemon-options.ts";
import { createCompanion } from "./runtime/companion.ts";
import { configuredTarget } from "./runtime/plan-servers.ts";

const options = {
  config: option("file", text("a file"), "configuration file (default: /etc/sluice.cnf)"),
  ...DAEMON_OPTIONS,
} as const;

const spec: CommandSpec<typeof options> = {
  name: "run",
  summary: "Run the daemon of a configuration file: watch its servers and tell whoever asks",
  operands: "",
  maxOperands: 0,
  options,
  examples: [],
  exitCodes: [],
};

type RunValues = OptionValues<typeof options>;

/** `sluice run`: the daemon of a configuration file. */
export const command: Command = {
  spec,
  async run(args) {
    const { values } = parseArguments(spec, args);
    if (!values.check) await becomeFrugal("fleet", process.env);
    return await runDaemon((sections) => runPlan(values, process.env, sections));
  },
};

function runPlan(values: RunValues, env: NodeJS.ProcessEnv, given: Sections | undefined): DaemonPlan {
  const file = values.config ?? "/etc/sluice.cnf";
  const { configuration, sections } = loadOrThrow(file, env, given);
  const settings = configuration.sluice.parameters;
  const keys = SecretKeys.load(settings.secretsdir ?? settings.datadir, REAL_FILES);
  const decrypt: Decrypt = (written) => keys.decrypt(written);
  return {
    configuration,
    origin: { file, sections, files: REAL_FILES, env },
    targetOf: (server, monitor) => configuredTarget(server, monitor, REAL_FILES, decrypt),
    decrypt,
    paths: runtimePaths(values["runtime-dir"], env),
    stateDirectory: env["STATE_DIRECTORY"] ?? settings.datadir,
    persistDirectory: settings.persist_runtime_changes ? settings.persistdir : undefined,
    controlGroup: "sluice",
    pidFile: values["pid-file"],
    rehearsal: values.check ?? false,
    runAs: values["run-as"] === undefined ? undefined : findIdentity(values["run-as"]),
    log: logOptions(values, settings),
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

function logOptions(values: RunValues, settings: Configuration["sluice"]["parameters"]): LogOptions {
  const file =
    values["log-file"] ?? (settings.logdir === undefined ? undefined : `${settings.logdir}/sluice.log`);
  const level = settings.log_debug
    ? "debug"
    : settings.log_notice || settings.log_info
      ? "info"
      : settings.log_warning
        ? "warn"
        : "error";
  return { file, level, format: values["log-format"] ?? "auto" };
}
