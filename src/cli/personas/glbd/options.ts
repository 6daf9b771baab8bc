import { type HostPort, hostPort, network } from "../../../config/values/address.ts";
import { type Destination, parseDestination } from "../../../config/values/destination.ts";
import { integer } from "../../../config/values/number.ts";
import { list, text } from "../../../config/values/text.ts";
import { parsed, refused, type ValueType } from "../../../config/values/value-type.ts";
import { SluiceError } from "../../../errors/sluice-error.ts";
import { type CommandSpec, type OptionValues, option, toggle } from "../../command.ts";
import { parseArguments } from "../../parse-arguments.ts";

/** Seconds with a fraction, as GLB takes them. Undefined unit: nothing else is understood. */
const SECONDS: ValueType<number> = {
  expected: "seconds from 0.05 to 3600, such as 1 or 0.5",
  json: { type: "number" },
  parse: (written) => {
    const value = Number(written);
    if (!/^\d+\.?\d*$|^\.\d+$/.test(written)) return refused("not a number of seconds");
    return value >= 0.05 && value <= 3600 ? parsed(value) : refused("out of range");
  },
  print: String,
};

const options = {
  control: option(
    "[HOST:]PORT",
    hostPort(),
    "-c: answer getinfo, getstat and changes here (HOST: 127.0.0.1)",
  ),
  "control-only-from": option(
    "networks",
    list(network()),
    "networks that may use it; needed where HOST is not this host (not in GLB)",
  ),
  fifo: option("file", text("a file"), "-f: FIFO that takes changes (default: /tmp/glbd.fifo)"),
  daemon: toggle("-d: run in the background"),
  threads: option("N", integer(1, 100), "-t: worker processes (default: 1)"),
  max_conn: option(
    "N",
    integer(0, 10_000_000),
    "-m: most client connections (default: what open files allow)",
  ),
  round: toggle("-b: servers in turn"),
  random: toggle("-r: a random server"),
  source: toggle("-s: the same server for the same client"),
  single: toggle("-S: all to one server of the highest weight, until it fails or a heavier one is there"),
  top: toggle("-T: only the servers of the highest weight"),
  interval: option("seconds", SECONDS, "-i: time between two checks of a server (default: 1)"),
  watchdog: option(
    "exec:COMMAND",
    text("exec:COMMAND"),
    "-w: program that says how a server is; gets HOST:PORT as first argument",
  ),
  discover: toggle("-D: add the members that Galera nodes name; needs -w or --defaults-extra-file"),
  latency: option(
    "samples",
    integer(0, 1000),
    "-L: weigh servers by the latency of so many checks; 0: do not (default)",
  ),
  "defaults-extra-file": option(
    "file",
    text("a file"),
    "option file with an account: servers are logged in to and judged as `sluice agent` does (not in GLB)",
  ),
  "pid-file": option("file", text("a file"), "write the process number here (not in GLB)"),
  "log-file": option(
    "file",
    text("a file"),
    "log here (not in GLB; default: standard error, with -d /var/log/glbd.log)",
  ),
  "run-as": option("user", text("a user"), "give up root for this user once the ports are open (not in GLB)"),
  "runtime-dir": option(
    "dir",
    text("a directory"),
    "directory of its sockets (not in GLB; default: /run/glbd-PORT)",
  ),
  "state-dir": option(
    "dir",
    text("a directory"),
    "directory of what is kept (not in GLB; default: /var/lib/glbd-PORT)",
  ),
  verbose: toggle("-v: log every detail"),
  version: toggle("-V: print the version"),
  nodelay: toggle("-n: without effect: TCP_NODELAY is always on"),
  keepalive: toggle("-K: without effect: TCP keepalive is always on"),
  "defer-accept": toggle("-a: without effect: servers that speak first would wait for their clients"),
  linger: toggle("-l: without effect: no socket is reset on purpose"),
  extra: option("seconds", text("seconds"), "-x: without effect: a server that refuses is checked at once"),
  synchronous: toggle("-Y: without effect: connections are made side by side"),
} as const;

export const SPEC = {
  name: "glbd",
  summary: "Balance connections as the Galera Load Balancer's glbd does",
  details: [
    "LISTEN is [ADDRESS:]PORT. Servers get connections by their weight; 0 gives them none. Without -b, -r, -s or -S the least connected one gets the next.",
    "Without -w and --defaults-extra-file a server is up while its port accepts connections.",
    "Where the command line has none, LISTEN, servers and options come from GLB_BIND, GLB_TARGETS (with commas between), GLB_CONTROL, GLB_POLICY, GLB_INTERVAL, GLB_WATCHDOG and GLB_OPTIONS. Changes made at run time last until it ends, as in GLB; those of `sluice run` with control= are kept.",
    "Every command of the fleet works on it: SLUICE_RUNTIME_DIR=/run/glbd-PORT sluice list servers. SIGTERM and SIGINT end it, SIGHUP begins the log anew.",
  ],
  operands: "LISTEN [HOST[:PORT[:WEIGHT]]...]",
  maxOperands: Number.POSITIVE_INFINITY,
  options,
  examples: [
    ["glbd -d -c 8011 -t 2 3306 10.0.0.1 10.0.0.2:3306:2", "in the background, with a control socket"],
    [
      "glbd -D -w exec:'mysql.sh -utest -psecret' 3306 10.0.0.1",
      "watched by a script, with all members of its cluster",
    ],
    ["echo 10.0.0.2:3306:0 | nc 127.0.0.1 8011", "drain a server"],
  ],
  exitCodes: [
    [0, "ended by a signal; -d: it runs in the background"],
    [1, "the command line is wrong, or it could not start"],
  ],
} as const satisfies CommandSpec;

export interface GlbdArguments {
  readonly listen: HostPort;
  readonly destinations: readonly Destination[];
  readonly balance: "least-connections" | "round-robin" | "random" | "source" | "single";
  /** Only servers of the highest weight; GLB's -S means it, too. */
  readonly top: boolean;
  readonly fifo: string;
  /** The command of the exec watchdog. */
  readonly watchdog: string | undefined;
  /** Flags that are accepted and change nothing here, as they were written. */
  readonly idle: readonly string[];
  readonly values: OptionValues<typeof options>;
}

/** What each short option stands for. */
const SHORT: Readonly<Record<string, keyof typeof options>> = {
  a: "defer-accept",
  b: "round",
  c: "control",
  d: "daemon",
  D: "discover",
  f: "fifo",
  i: "interval",
  K: "keepalive",
  l: "linger",
  L: "latency",
  m: "max_conn",
  n: "nodelay",
  r: "random",
  s: "source",
  S: "single",
  t: "threads",
  T: "top",
  v: "verbose",
  V: "version",
  w: "watchdog",
  x: "extra",
  Y: "synchronous",
};
const ALIASES: Readonly<Record<string, keyof typeof options>> = {
  connections: "max_conn",
  "round-robin": "round",
  rrb: "round",
  source_tracking: "source",
  src_tracking: "source",
};
const DEFAULT_FIFO = "/tmp/glbd.fifo";
const IDLE = ["nodelay", "keepalive", "defer-accept", "linger", "extra", "synchronous"] as const;
const POLICIES = [
  ["round", "round-robin"],
  ["random", "random"],
  ["source", "source"],
  ["single", "single"],
] as const;

/** Reads GLB's command line; undefined: only the version was asked for. Throws USAGE. */
export function parseGlbdArguments(args: readonly string[]): GlbdArguments | undefined {
  const long = longForms(args);
  const { values, operands } = parseArguments(SPEC, long);
  const [where, ...servers] = operands;
  if (where === undefined) {
    if (values.version) return undefined;
    throw usage("LISTEN is missing: [ADDRESS:]PORT");
  }
  const listen = listenAddress(where);
  const watchdog = values.watchdog === undefined ? undefined : execCommand(values.watchdog);
  if (watchdog !== undefined && values["defaults-extra-file"] !== undefined)
    throw usage("--watchdog and --defaults-extra-file are two ways of checking servers: give one");
  const balance = policyOf(long);
  return {
    listen,
    destinations: servers.map((server) => destinationOf(server, listen.port)),
    balance,
    top: values.top === true || balance === "single",
    fifo: values.fifo ?? DEFAULT_FIFO,
    watchdog,
    idle: IDLE.filter((name) => values[name] !== undefined).map((name) => `--${name}`),
    values,
  };
}

/** As in GLB, the last of several policies wins. */
function policyOf(long: readonly string[]): GlbdArguments["balance"] {
  return long.reduce<GlbdArguments["balance"]>(
    (last, arg) => POLICIES.find(([name]) => arg === `--${name}`)?.[1] ?? last,
    "least-connections",
  );
}

/** getopt's forms as one: `-dt2`, `-t 2`, `--thr 2` and `--connections=5` become `--daemon --threads 2 --max_conn=5`. */
export function longForms(args: readonly string[]): readonly string[] {
  const long: string[] = [];
  const rest = [...args];
  for (let arg = rest.shift(); arg !== undefined; arg = rest.shift()) {
    if (arg === "--") return [...long, arg, ...rest];
    if (/^-[^-]/.test(arg)) long.push(...shortOptions(arg.slice(1), rest));
    else if (arg.startsWith("--")) long.push(...longOption(arg, rest));
    else long.push(arg);
  }
  return long;
}

function shortOptions(letters: string, rest: string[]): readonly string[] {
  const long: string[] = [];
  for (let i = 0; i < letters.length; i++) {
    const letter = letters[i] ?? "";
    const name = Object.hasOwn(SHORT, letter) ? SHORT[letter] : undefined;
    if (name === undefined) throw usage(`-${letter} is not an option of glbd: glbd --help shows them`);
    long.push(`--${name}`);
    if (SPEC.options[name].type === undefined) continue;
    const value = letters.slice(i + 1) || rest.shift();
    return value === undefined ? long : [...long, value];
  }
  return long;
}

function longOption(arg: string, rest: string[]): readonly string[] {
  const [flag = "", ...more] = arg.slice(2).split("=");
  const name = fullName(flag);
  if (more.length > 0) return [`--${name}=${more.join("=")}`];
  const isSwitch =
    !Object.hasOwn(SPEC.options, name) || SPEC.options[name as keyof typeof options].type === undefined;
  const value = isSwitch ? undefined : rest.shift();
  return value === undefined ? [`--${name}`] : [`--${name}`, value];
}

/** GNU's getopt takes a name that is cut off where only one begins so. */
function fullName(flag: string): string {
  if (Object.hasOwn(ALIASES, flag)) return ALIASES[flag] ?? flag;
  const names = Object.keys(SPEC.options);
  if (names.includes(flag)) return flag;
  const possible = new Set(
    [...names.map((name) => [name, name] as const), ...Object.entries(ALIASES)]
      .filter(([written]) => written.startsWith(flag))
      .map(([, name]) => name),
  );
  const [only, ...others] = possible;
  return only === undefined || others.length > 0 || flag === "" ? flag : only;
}

/** Without an address: every address of the host. */
function listenAddress(written: string): HostPort {
  const found = hostPort().parse(written);
  if (!found.ok) throw usage(`LISTEN ${written} is ${found.wrong}; expected [ADDRESS:]PORT`);
  return written.includes(":") ? found.value : { host: "::", port: found.value.port };
}

function destinationOf(written: string, port: number): Destination {
  const found = parseDestination(written, port);
  if (found === undefined || found.weight < 0)
    throw usage(`${written} is no server; expected HOST[:PORT[:WEIGHT]]`);
  return found;
}

function execCommand(written: string): string {
  const [, command = ""] = /^exec:\s*(.*\S)\s*$/s.exec(written) ?? [];
  if (command !== "") return command;
  throw usage(`--watchdog ${written.slice(0, 60)} is not known; expected exec:'COMMAND ARGUMENTS'`);
}

const usage = (message: string): SluiceError => new SluiceError("USAGE", message);
