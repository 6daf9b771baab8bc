import { network } from "../../../config/values/address.ts";
import { oneOf } from "../../../config/values/choice.ts";
import { duration } from "../../../config/values/duration.ts";
import { port } from "../../../config/values/number.ts";
import { list, text } from "../../../config/values/text.ts";
import { SluiceError } from "../../../errors/sluice-error.ts";
import { type CommandSpec, option, toggle } from "../../command.ts";
import { parseArguments } from "../../parse-arguments.ts";

const ADDRESSES = list(network());

export const SPEC = {
  name: "mysqlchk_iptables",
  summary: "Keep a mirror port open while this Galera node is healthy, as the mysqlchk_iptables script does",
  details: [
    "One of -t, -d, -x, -s, -v and -R says what to do. The node is healthy while it is synced and not read-only, or a donor whose state transfer does not block it; AVAILABLE_WHEN_DONOR (never, nonblocking, always) and AVAILABLE_WHEN_READONLY (0, 1) in the environment change that. /var/tmp/clustercheck.disabled takes it out at any time.",
    'An empty user or password is left to the option files: -u "" -p "" -e FILE. A password given by -p is overwritten in the process list as soon as the program runs.',
    "Everything else that a port gate can do (nftables or iptables, protect_real_port, on_close …) is in `sluice agent --gate` and docs/port-gate.md.",
  ],
  operands: "",
  maxOperands: 0,
  options: {
    test: toggle("-t: tell what is detected and what would be done; changes nothing"),
    daemon: toggle("-d: run in the background"),
    stop: toggle("-x: stop the one in the background; its port is closed, its rules are gone"),
    status: toggle("-s: tell whether one runs, and what it says of the node"),
    verbose: toggle("-v: run in the foreground and log to the terminal"),
    run: toggle("-R: run in the foreground and log to the file, for supervisord and the like"),
    debug: toggle("-D: log every detail"),
    user: option("user", text("a user name"), "-u: account to log in with (default: mysqlchk_user)"),
    password: option("password", text("a password"), "-p: its password (default: mysqlchk_password)"),
    "log-file": option("file", text("a file"), "-l: log here (default: /var/log/mysqlchk_iptables)"),
    "defaults-extra-file": option("file", text("a file"), "-e: read this option file (default: /etc/my.cnf)"),
    "source-address": option("networks", ADDRESSES, "-a: IPv4 clients it is open for (default: 0.0.0.0/0)"),
    "source-address-ipv6": option(
      "networks",
      ADDRESSES,
      "-a6: IPv6 clients it is open for (default: ::/0, or none where -a is given)",
    ),
    "mirror-port": option("port", port(), "-m: the port to open (default: 3308)"),
    "real-port": option("port", port(), "-r: the port it leads to (default: 3306)"),
    "check-interval": option(
      "seconds",
      duration({ bare: "s", minMs: 100 }),
      "-i: time between checks (default: 1)",
    ),
    backend: option(
      "firewall",
      oneOf(["auto", "nftables", "iptables"]),
      "firewall that does it (default: auto)",
    ),
  },
  examples: [
    ["mysqlchk_iptables -t", "what is detected, and what would be done"],
    ['mysqlchk_iptables -d -u "" -p "" -e /root/.my.cnf', "in the background, with the account of a file"],
    ["mysqlchk_iptables -x", "stop it"],
  ],
  exitCodes: [
    [0, "done; -t: the port would be open; -s: it runs"],
    [1, "-t: the port would be closed; -s, -x: none runs; -d: it could not start, or one runs already"],
    [2, "the command line is wrong"],
    [4, "not permitted: the firewall needs root"],
  ],
} as const satisfies CommandSpec;

// By the short form of the script.
const SHORT: Readonly<Record<string, keyof typeof SPEC.options>> = {
  "-t": "test",
  "-d": "daemon",
  "-x": "stop",
  "-s": "status",
  "-v": "verbose",
  "-R": "run",
  "-D": "debug",
  "-u": "user",
  "-p": "password",
  "-l": "log-file",
  "-e": "defaults-extra-file",
  "-a": "source-address",
  "-a6": "source-address-ipv6",
  "-m": "mirror-port",
  "-r": "real-port",
  "-i": "check-interval",
};
const MODES = ["test", "daemon", "stop", "status", "verbose", "run"] as const;

export interface GateArguments {
  readonly mode: (typeof MODES)[number];
  readonly isDebug: boolean;
  /** Empty: as the option files say. */
  readonly user: string;
  readonly password: string;
  readonly logFile: string;
  /** Undefined: the usual one, if it is there. */
  readonly defaultsExtraFile: string | undefined;
  /** Undefined: all. */
  readonly sources: readonly string[] | undefined;
  readonly mirrorPort: number;
  readonly realPort: number;
  readonly intervalMs: number;
  readonly backend: "auto" | "nftables" | "iptables";
}

/** Reads the command line of the script, long forms and short. Throws USAGE. */
export function parseGateArguments(args: readonly string[]): GateArguments {
  const { values } = parseArguments(SPEC, longForms(args));
  const modes = MODES.filter((mode) => values[mode]);
  const [mode, ...more] = modes;
  if (mode === undefined || more.length > 0) {
    const found =
      modes.length === 0 ? "none is given" : `${modes.map((name) => `--${name}`).join(" and ")} are given`;
    throw new SluiceError(
      "USAGE",
      `one of -t, -d, -x, -s, -v and -R says what to do, and ${found}; -h shows them`,
    );
  }
  const ipv4 = values["source-address"];
  const ipv6 = values["source-address-ipv6"];
  return {
    mode,
    isDebug: values.debug ?? false,
    user: values.user ?? "mysqlchk_user",
    password: values.password ?? "mysqlchk_password",
    logFile: values["log-file"] ?? "/var/log/mysqlchk_iptables",
    defaultsExtraFile: values["defaults-extra-file"],
    sources:
      ipv4 === undefined && ipv6 === undefined ? undefined : [...(ipv4 ?? ["0.0.0.0/0"]), ...(ipv6 ?? [])],
    mirrorPort: values["mirror-port"] ?? 3308,
    realPort: values["real-port"] ?? 3306,
    intervalMs: values["check-interval"] ?? 1000,
    backend: values.backend ?? "auto",
  };
}

/** Where a password stands on the command line, counted from its end; undefined: nowhere. */
export function passwordPlace(args: readonly string[]): number | undefined {
  const at = args.findIndex((arg) => /^(-p$|--password(=|$))/.test(arg));
  if (at < 0) return undefined;
  const place = args[at]?.includes("=") ? at : at + 1;
  return place < args.length ? args.length - place : undefined;
}

/** The command line of the same thing in the background: the password goes by the environment, so here it is empty. */
export function backgroundArguments(args: readonly string[]): readonly string[] {
  const long = longForms(args);
  const rest = long.filter(
    (arg, i) => !/^--(daemon$|password(=|$))/.test(arg) && long[i - 1] !== "--password",
  );
  return ["--run", "--password=", ...rest];
}

/** Short forms become long ones; the values behind them stay what they are, whatever they look like. */
function longForms(args: readonly string[]): readonly string[] {
  const long: string[] = [];
  for (let i = 0; i < args.length; i += 1) {
    const arg = (args[i] ?? "").replace(/^--username(?==|$)/, "--user");
    const name = SHORT[arg];
    long.push(name === undefined ? arg : `--${name}`);
    const known = Object.entries(SPEC.options).find(([key]) => long.at(-1) === `--${key}`)?.[1];
    const value = args[i + 1];
    if (known?.type === undefined || value === undefined) continue;
    long.push(value);
    i += 1;
  }
  return long;
}
