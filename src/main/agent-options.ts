import { hostname } from "node:os";
import {
  type CommandSpec,
  type Option,
  type OptionValues,
  option,
  optionOrSwitch,
  toggle,
} from "../cli/command.ts";
import { CONNECTION_OPTIONS } from "../cli/connection-options.ts";
import { readPasswordFile } from "../config/connection.ts";
import { REAL_FILES } from "../config/file-access.ts";
import type { ParameterSet } from "../config/parameter.ts";
import { HEALTH } from "../config/schema/health.ts";
import { MONITOR } from "../config/schema/monitor.ts";
import { PUBLISHER } from "../config/schema/publisher.ts";
import { oneOf } from "../config/values/choice.ts";
import { text } from "../config/values/text.ts";
import { DAEMON_OPTIONS } from "./daemon-options.ts";

/** Parameters of an object behind the agent that are flags, too. */
export interface FlagSet {
  readonly parameters: ParameterSet;
  flagOf(name: string): string;
}

const dashed = (name: string): string => name.replaceAll("_", "-");

// Some flags need another name than their parameter: port is the server's.
const HTTP_NAMES: Readonly<Record<string, string>> = { address: "listen", port: "http-port", ssl: "https" };

function httpFlag(name: string): string {
  if (name.startsWith("ssl_")) return `https-${dashed(name.slice(4))}`;
  const isSecret = PUBLISHER.modules.http[name as keyof typeof PUBLISHER.modules.http]?.secret === true;
  // argv is public: the flag names a file
  return HTTP_NAMES[name] ?? (isSecret ? `${dashed(name)}-file` : dashed(name));
}

export const MONITOR_FLAGS: FlagSet = {
  parameters: { monitor_interval: MONITOR.modules.auto.monitor_interval, ...HEALTH },
  flagOf: dashed,
};
export const HTTP_FLAGS: FlagSet = { parameters: PUBLISHER.modules.http, flagOf: httpFlag };
const { address, only_from, max_connections } = PUBLISHER.modules.http;
/** What is said of who may ask holds for both ports. */
export const SHARED_FLAGS: FlagSet = {
  parameters: { address, only_from, max_connections },
  flagOf: httpFlag,
};
export const GATE_FLAGS: FlagSet = {
  parameters: PUBLISHER.modules["port-gate"],
  flagOf: (name) => (name === "backend" ? "gate-backend" : dashed(name)),
};

/** Where the agent's own default differs. */
const AGENT_DEFAULTS: Readonly<Record<string, string>> = { heartbeat: "100ms" };

/** Their values stay as they were written: the schema reads them with the rest of the object, and names the flag of a wrong one. */
function optionsOf({ parameters, flagOf }: FlagSet): Readonly<Record<string, Option<string | true>>> {
  const entries = Object.entries(parameters).map(([name, parameter]) => {
    const { description, default: byDefault, secret, type } = parameter;
    if (secret)
      return [flagOf(name), option("file", text(), `${description} (the first line of a file)`)] as const;
    const value = AGENT_DEFAULTS[name] ?? byDefault;
    const summary = `${description} (${type.expected})${value ? ` (default: ${value})` : ""}`;
    // A switch may stand alone: --keep-on-exit.
    const isSwitch = [type.json["type"]].flat().includes("boolean");
    return [flagOf(name), (isSwitch ? optionOrSwitch : option)("value", text(), summary)] as const;
  });
  return Object.fromEntries(entries);
}

const OWN_OPTIONS = {
  "agent-port": option("port", text(), "answer HAProxy's agent-check on this port"),
  "state-dir": option(
    "dir",
    text("a directory"),
    "directory of what survives a restart (default: /var/lib/sluice)",
  ),
  "control-group": option("group", text("a group"), "group that may set maintenance besides root"),
  "log-level": option(
    "level",
    oneOf(["debug", "info", "warn", "error"]),
    "debug, info, warn or error (default: info)",
  ),
  ...DAEMON_OPTIONS,
} as const;

const NAME = option(
  "name",
  text("a name"),
  "name of the server in verdicts and metrics (default: this host's)",
);
const GATE = toggle("open a mirror port while the server is healthy, for balancers that only try a port");

export const AGENT_SPEC: CommandSpec = {
  name: "agent",
  summary: "Watch the local server and answer the health checks of balancers",
  details: ["It finds the server, the account and the password as the mysql client does."],
  operands: "",
  maxOperands: 0,
  options: {
    name: NAME,
    ...CONNECTION_OPTIONS,
    ...optionsOf(MONITOR_FLAGS),
    ...optionsOf(HTTP_FLAGS),
    gate: GATE,
    ...optionsOf(GATE_FLAGS),
    ...OWN_OPTIONS,
  },
  examples: [],
  exitCodes: [],
};

/** What was given: the flags that are the agent's own by their types, those of parameters as they were written. */
export type AgentValues = OptionValues<
  typeof CONNECTION_OPTIONS & typeof OWN_OPTIONS & { readonly name: typeof NAME; readonly gate: typeof GATE }
> &
  Readonly<Record<string, unknown>>;

export const agentName = ({ name }: AgentValues): string => name ?? hostname();

/** The flags of a set that were given, and the agent's own defaults, as parameters of an object. */
export function givenParameters(
  values: AgentValues,
  { parameters, flagOf }: FlagSet,
): Record<string, string> {
  const given: Record<string, string> = {};
  for (const [name, { secret }] of Object.entries(parameters)) {
    const value = values[flagOf(name)] ?? AGENT_DEFAULTS[name];
    if (value === undefined) continue;
    given[name] = secret ? readPasswordFile(String(value), REAL_FILES).reveal() : String(value);
  }
  return given;
}
