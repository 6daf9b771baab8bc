import { randomBytes } from "node:crypto";
import { HEALTH } from "../../config/schema/health.ts";
import { duration } from "../../config/values/duration.ts";
import { text } from "../../config/values/text.ts";
import { SluiceError } from "../../errors/sluice-error.ts";
import { runtimePaths } from "../../system/runtime-paths.ts";
import { formatEndpoint } from "../../topology/endpoint.ts";
import type { ServerFacts } from "../../topology/facts.ts";
import type { ServerSnapshot } from "../../topology/fleet.ts";
import { DEFAULT_POLICY, type Policy } from "../../verdict/policy.ts";
import { type Asked, askVerdict } from "../ask-verdict.ts";
import { type Command, type CommandSpec, type OptionValues, option, toggle } from "../command.ts";
import { CONNECTION_OPTIONS, connectionFlags, namesServer } from "../connection-options.ts";
import { accountSql, leastPrivilege, parseAccount, parseServerKind } from "../least-account.ts";
import { print } from "../output.ts";
import { parseArguments } from "../parse-arguments.ts";

const DEFAULT_TIMEOUT_MS = 3000;

const options = {
  profile: option(
    "profile",
    HEALTH.profile.type,
    "what the account is for: galera, replica, standalone or connector (default: what the server is)",
  ),
  account: option(
    "'user'@'host'",
    text("an account"),
    "the account to make (default: 'sluice' where the check comes from)",
  ),
  "random-password": toggle("put in a password made for this account; without it there is a gap to fill"),
  "server-version": option(
    "version",
    text("a version"),
    "ask no server; this is what SELECT VERSION() prints there",
  ),
  server: option("name", text("a name"), "the server of this name in the agent"),
  timeout: option(
    "duration",
    duration({ bare: "s", minMs: 50, maxMs: 60_000 }),
    "for everything together (default: 3s)",
  ),
  "runtime-dir": option("dir", text("a directory"), "directory of the agent's socket"),
  ...CONNECTION_OPTIONS,
} as const;

const spec: CommandSpec<typeof options> = {
  name: "grants",
  summary: "Print the SQL for the least account that a health check of this server needs",
  details: ["Nothing is changed: the SQL is printed, for a person to read and to run."],
  operands: "",
  maxOperands: 0,
  options,
  examples: [
    ["sluice grants", "run as root on the database host"],
    ["sluice grants --random-password | mariadb", "make the account at once"],
    [
      "sluice grants --profile replica --server-version 8.0.36 --account 'monitor'@'10.0.0.%'",
      "for a server that cannot be reached from here",
    ],
  ],
  exitCodes: [
    [0, "the SQL was printed"],
    [2, "the command line is wrong, or the server could not be asked and --server-version is missing"],
  ],
};

export const command: Command = {
  spec,
  async run(args) {
    const { values } = parseArguments(spec, args);
    const given = values["server-version"];
    print(
      given === undefined
        ? grantsOfServer(values, await ask(values))
        : grants(values, given, undefined, undefined),
    );
    return 0;
  },
};

type GrantsValues = OptionValues<typeof options>;

function ask(values: GrantsValues): Promise<Asked> {
  const connection = connectionFlags(values);
  const deadlineMs = values.timeout ?? DEFAULT_TIMEOUT_MS;
  return askVerdict({
    agentSocket: runtimePaths(values["runtime-dir"], process.env).agentSocket,
    server: values.server,
    mustMatch: namesServer(connection),
    connection,
    env: process.env,
    policy: { ...DEFAULT_POLICY, profile: values.profile ?? "auto", staleAfterMs: deadlineMs },
    offSwitchFiles: [],
    deadlineMs,
  });
}

function grantsOfServer(values: GrantsValues, { snapshot }: Asked): string {
  const { observation, sentence } = snapshot.verdict;
  if (observation?.reached !== true) {
    throw new SluiceError(
      "USAGE",
      `the server does not tell its version (${sentence}); name it with --server-version, such as 10.11.6-MariaDB or 8.0.36`,
    );
  }
  return grants(values, observation.facts.version, observation.facts, snapshot);
}

function grants(
  values: GrantsValues,
  version: string,
  facts: ServerFacts | undefined,
  snapshot: ServerSnapshot | undefined,
): string {
  const kind = parseServerKind(version);
  const profile = values.profile ?? profileOf(snapshot);
  const privilege = leastPrivilege(profile, kind);
  const account = values.account === undefined ? defaultAccount(snapshot) : parseAccount(values.account);
  const password = values["random-password"] ? randomBytes(24).toString("base64url") : undefined;
  const asked = snapshot === undefined ? "" : ` (${formatEndpoint(snapshot.endpoint)})`;
  const lines = [
    `-- The least account to check ${version}${asked}, profile ${profile}.`,
    ...remarks(profile, facts).map((remark) => `-- ${remark}`),
    ...accountSql(account, privilege, kind, password),
    "-- Then put it into a file that only the agent can read (mode 0600), and name that with --defaults-extra-file:",
    "--   [client]",
    `--   user = ${account.user}`,
    `--   password = ${password ?? "the same password"}`,
  ];
  return `${lines.join("\n")}\n`;
}

/** A server that is no Galera node may become a replica, and an account that may not ask cannot tell. */
function profileOf(snapshot: ServerSnapshot | undefined): Policy["profile"] {
  const found = snapshot?.verdict.profile;
  return found === "galera" || found === "connector" ? found : "auto";
}

function remarks(profile: string, facts: ServerFacts | undefined): readonly string[] {
  const { readOnly, superReadOnly } = facts?.readOnly ?? {};
  return [
    ...(profile === "galera" ? ["Run it on one node: a Galera cluster replicates accounts."] : []),
    ...(profile === "connector"
      ? [
          "Run it on the primary behind the connector; a Tungsten Connector wants the account in user.map, too.",
        ]
      : []),
    ...(readOnly || superReadOnly
      ? ["This server is read-only: run it on the primary, which replicates accounts."]
      : []),
  ];
}

/** Where the check comes from, as the server sees it: its own host, unless it is reached over the network. */
function defaultAccount(snapshot: ServerSnapshot | undefined) {
  const endpoint = snapshot?.endpoint;
  const isRemote = endpoint?.kind === "tcp" && !/^(127\.|::1$|localhost$)/.test(endpoint.host);
  return { user: "sluice", host: isRemote ? "%" : "localhost" };
}
