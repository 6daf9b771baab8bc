import { hostname, networkInterfaces } from "node:os";
import { resolveConnection } from "../../config/connection.ts";
import { REAL_FILES } from "../../config/file-access.ts";
import { HEALTH } from "../../config/schema/health.ts";
import { duration } from "../../config/values/duration.ts";
import { port } from "../../config/values/number.ts";
import { path, text } from "../../config/values/text.ts";
import { errorMessage, SluiceError } from "../../errors/sluice-error.ts";
import { runtimePaths } from "../../system/runtime-paths.ts";
import type { Endpoint } from "../../topology/endpoint.ts";
import { type Command, type CommandSpec, type OptionValues, option, toggle } from "../command.ts";
import { CONNECTION_OPTIONS, connectionFlags } from "../connection-options.ts";
import { examineAccount } from "../doctor/account.ts";
import { examineAgent } from "../doctor/agent.ts";
import { type Finding, isError, type Severity } from "../doctor/finding.ts";
import { examineFirewall } from "../doctor/firewall.ts";
import { examineHaproxy } from "../doctor/haproxy.ts";
import { examineKernelBalancing } from "../doctor/kernel-balancing.ts";
import { examineOldChecks } from "../doctor/old-checks.ts";
import { examinePort } from "../doctor/port.ts";
import { judgeSecrets, watchingSecrets } from "../doctor/secret-files.ts";
import { print } from "../output.ts";
import { parseArguments } from "../parse-arguments.ts";

const DEFAULT_TIMEOUT_MS = 3000;
const DEFAULT_HTTP_PORT = 9200;
const DEFAULT_DATABASE_PORT = 3306;
const DEFAULT_CONFIGURATION = "/etc/sluice.cnf";

const options = {
  "http-port": option(
    "port",
    port(),
    `where the agent answers health checks (default: ${DEFAULT_HTTP_PORT})`,
  ),
  profile: option("profile", HEALTH.profile.type, "the profile the account is for (default: auto)"),
  json: toggle("findings as JSON"),
  timeout: option(
    "duration",
    duration({ bare: "s", minMs: 50, maxMs: 60_000 }),
    "for each thing that is asked (default: 3s)",
  ),
  "runtime-dir": option("dir", text("a directory"), "directory of the agent's socket"),
  config: option("file", path(), `configuration of \`sluice run\` (default: ${DEFAULT_CONFIGURATION})`),
  ...CONNECTION_OPTIONS,
} as const;

const spec: CommandSpec<typeof options> = {
  name: "doctor",
  summary: "Look for what is wrong with the set-up of this host, and say what to do",
  details: [
    "Looks at the account and its privileges, the server's limits, who has the port of the health checks, the firewall, what services with dataplane=kernel need, older checks still in place, a HAProxy on this host, files that show a password, and the agent. Nothing is changed. As root it sees more.",
  ],
  operands: "",
  maxOperands: 0,
  options,
  examples: [
    ["sudo sluice doctor", "the local server, as the agent would find it"],
    [
      "sluice doctor --defaults-extra-file /etc/sluice/monitor.cnf --json",
      "with the agent's account, for a script",
    ],
  ],
  exitCodes: [
    [0, "nothing is wrong, or only warnings"],
    [1, "something is"],
    [2, "the command line is wrong"],
  ],
};

type DoctorValues = OptionValues<typeof options>;

export const command: Command = {
  spec,
  async run(args) {
    const { values } = parseArguments(spec, args);
    const findings = await examine(values);
    print(values.json ? `${JSON.stringify({ findings })}\n` : report(findings));
    return findings.some(({ severity }) => severity === "error") ? 1 : 0;
  },
};

async function examine(values: DoctorValues): Promise<readonly Finding[]> {
  const deadlineMs = values.timeout ?? DEFAULT_TIMEOUT_MS;
  const healthPort = values["http-port"] ?? DEFAULT_HTTP_PORT;
  const { agentSocket } = runtimePaths(values["runtime-dir"], process.env);
  const secrets = watchingSecrets(REAL_FILES);
  const { findings: account, databasePort } = await examineConnection(values, secrets.files, deadlineMs);
  const isLocal = localAddresses();
  const [agent, firewall, kernel] = await Promise.all([
    examineAgent(agentSocket, deadlineMs),
    examineFirewall(healthPort, deadlineMs),
    examineKernelBalancing(values.config ?? DEFAULT_CONFIGURATION, secrets.files, deadlineMs),
  ]);
  return [
    ...account,
    ...agent,
    ...examinePort(healthPort),
    ...firewall,
    ...kernel,
    ...examineOldChecks(healthPort, process.execPath, secrets.files),
    ...examineHaproxy({ databasePort, healthPort, isLocal }, secrets.files),
    ...judgeSecrets(secrets.open),
  ];
}

/** A wrong option file is a finding like another: the rest is looked at all the same. */
async function examineConnection(values: DoctorValues, files: typeof REAL_FILES, deadlineMs: number) {
  try {
    const { target } = resolveConnection(connectionFlags(values), process.env, files);
    const findings = await examineAccount(target, values.profile ?? "auto", deadlineMs);
    return { findings, databasePort: portOf(target.endpoint) };
  } catch (error) {
    if (!(error instanceof SluiceError)) throw error;
    const findings = [isError("account", errorMessage(error), error.entry.remedy)];
    return { findings, databasePort: DEFAULT_DATABASE_PORT };
  }
}

const portOf = (endpoint: Endpoint): number =>
  endpoint.kind === "tcp" ? endpoint.port : DEFAULT_DATABASE_PORT;

function localAddresses(): (host: string) => boolean {
  const interfaces = Object.values(networkInterfaces()).flatMap((addresses) => addresses ?? []);
  const own = new Set(["localhost", hostname(), ...interfaces.map(({ address }) => address)]);
  return (host) => own.has(host) || host.startsWith("127.");
}

const MARKS: Readonly<Record<Severity, string>> = {
  error: "ERROR",
  warning: "warn ",
  ok: "ok   ",
  skipped: "  -  ",
};

function report(findings: readonly Finding[]): string {
  const width = Math.max(...findings.map(({ subject }) => subject.length));
  const lines = findings.flatMap(({ subject, severity, sentence, remedy }) => [
    `${MARKS[severity]}  ${subject.padEnd(width)}  ${sentence}`,
    ...(remedy === "" ? [] : [`${" ".repeat(width + 9)}→ ${remedy}`]),
  ]);
  const count = (severity: Severity): number =>
    findings.filter((finding) => finding.severity === severity).length;
  return `${lines.join("\n")}\n\n${plural(count("error"), "error")}, ${plural(count("warning"), "warning")}\n`;
}

const plural = (count: number, noun: string): string => `${count} ${noun}${count === 1 ? "" : "s"}`;
