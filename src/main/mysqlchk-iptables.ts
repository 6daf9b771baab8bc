import { spawn } from "node:child_process";
import { hostname } from "node:os";
import { print, printError } from "../cli/output.ts";
import { connectionOf, policyParameters } from "../cli/personas/mysqlchk-iptables/account.ts";
import { nodeSentence, status, stop } from "../cli/personas/mysqlchk-iptables/background.ts";
import { test } from "../cli/personas/mysqlchk-iptables/detection.ts";
import {
  backgroundArguments,
  type GateArguments,
  parseGateArguments,
  passwordPlace,
} from "../cli/personas/mysqlchk-iptables/options.ts";
import { PID_FILE, RUNTIME_DIRECTORY, runningProcess } from "../cli/personas/mysqlchk-iptables/running.ts";
import { compileConfiguration } from "../config/compile-configuration.ts";
import { resolveConnection } from "../config/connection.ts";
import { REAL_FILES } from "../config/file-access.ts";
import { formatProblem } from "../config/problem.ts";
import { SluiceError } from "../errors/sluice-error.ts";
import { eraseArgument } from "../system/erase-argument.ts";
import { runtimePaths } from "../system/runtime-paths.ts";
import { runDaemon } from "./daemon.ts";
import { flagSection } from "./flag-section.ts";
import { OWN_SCRIPT } from "./own-program.ts";

// From the start of the background process until it watches its server: the firewall may have to wait for its lock.
const START_MS = 10_000;

/** The mysqlchk_iptables persona: what needs a daemon is put together here, the rest is in cli/personas/. */
export async function mysqlchkIptables(args: readonly string[]): Promise<number> {
  const place = passwordPlace(args);
  if (place !== undefined) eraseArgument(place);
  const parsed = parseGateArguments(args);
  switch (parsed.mode) {
    case "test":
      return await test(parsed, process.env, Date.now);
    case "status":
      return await status();
    case "stop":
      return await stop();
    case "daemon":
      refuseSecond();
      return await startInBackground(parsed, args);
    case "run":
    case "verbose":
      refuseSecond();
      return await run(parsed);
  }
}

function refuseSecond(): void {
  const pid = runningProcess();
  if (pid !== undefined && pid !== process.pid)
    throw new SluiceError("ADDRESS_IN_USE", `mysqlchk_iptables is running already with PID ${pid}`);
}

async function run(args: GateArguments): Promise<number> {
  const { flags, env } = connectionOf(args, process.env);
  const { target, warnings } = resolveConnection(flags, env, REAL_FILES);
  for (const warning of warnings) printError(`mysqlchk_iptables: ${warning}\n`);
  const sections = sectionsOf(args);
  const compiled = compileConfiguration(sections, {});
  if (!compiled.ok) throw new SluiceError("USAGE", compiled.problems.map(formatProblem).join("\n"));
  return await runDaemon(() => ({
    configuration: compiled.configuration,
    origin: { file: undefined, sections, files: REAL_FILES, env },
    targetOf: () => target,
    decrypt: (written) => written,
    paths: runtimePaths(RUNTIME_DIRECTORY, env),
    stateDirectory: "/var/lib/sluice/mysqlchk_iptables",
    persistDirectory: undefined,
    controlGroup: "sluice",
    pidFile: PID_FILE,
    runAs: undefined,
    log: {
      file: args.mode === "verbose" ? undefined : args.logFile,
      level: args.isDebug ? "debug" : "info",
      format: "text",
    },
    createCompanion: undefined,
    createAdmin: undefined,
    rehearsal: false,
  }));
}

function sectionsOf(args: GateArguments) {
  const policy = policyParameters(process.env);
  const server = hostname();
  return [
    flagSection(server, { type: "server", socket: "/found/by/the/connection" }),
    flagSection("mysqlchk_iptables", {
      type: "monitor",
      module: "auto",
      servers: server,
      profile: "galera",
      monitor_interval: `${args.intervalMs}ms`,
      heartbeat: "100ms",
      available_when_donor: policy.availableWhenDonor,
      available_when_readonly: String(policy.availableWhenReadonly),
    }),
    flagSection("gate", {
      type: "publisher",
      module: "port-gate",
      server,
      mirror_port: String(args.mirrorPort),
      real_port: String(args.realPort),
      backend: args.backend,
      ...(args.sources === undefined ? {} : { source_address: args.sources.join(",") }),
    }),
  ];
}

/** `-d`: resolves once the one in the background watches its server, or with why it does not. */
async function startInBackground(parsed: GateArguments, args: readonly string[]): Promise<number> {
  const child = spawn(process.execPath, [...OWN_SCRIPT, "mysqlchk_iptables", ...backgroundArguments(args)], {
    detached: true,
    cwd: "/",
    stdio: ["ignore", "ignore", "pipe"],
    env: { ...connectionOf(parsed, process.env).env },
  });
  let said = "";
  child.stderr.setEncoding("utf8");
  child.stderr.on("data", (chunk: string) => {
    said += chunk;
  });
  let exit: number | undefined;
  child.once("close", (code) => {
    exit = code ?? 1;
  });
  const end = performance.now() + START_MS;
  while (exit === undefined && performance.now() < end) {
    if (runningProcess() === child.pid && (await nodeSentence()) !== undefined) {
      print(`mysqlchk_iptables started with PID ${child.pid}.\n`);
      return 0;
    }
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  if (exit === undefined) child.kill("SIGTERM");
  printError(said || `mysqlchk_iptables did not start within ${START_MS / 1000} s; -v shows why\n`);
  return exit || 1;
}
