import { existsSync, readFileSync, statSync } from "node:fs";
import type { Configuration } from "../../config/configuration.ts";
import { REAL_FILES } from "../../config/file-access.ts";
import { loadConfiguration } from "../../config/load-configuration.ts";
import { formatProblem, formatWarning } from "../../config/problem.ts";
import { text } from "../../config/values/text.ts";
import { errorMessage, SluiceError } from "../../errors/sluice-error.ts";
import { lineDifference } from "../../render/line-difference.ts";
import { writeFileAtomically } from "../../system/atomic-file.ts";
import { type Command, type CommandSpec, type OptionTable, option } from "../command.ts";
import { print, printError } from "../output.ts";
import { parseArguments, quote } from "../parse-arguments.ts";
import { HAPROXY } from "../render/haproxy.ts";
import { LOGROTATE, SYSTEMD, XINETD } from "../render/host-files.ts";
import { KEEPALIVED } from "../render/keepalived.ts";
import { NGINX } from "../render/nginx.ts";
import type { RenderedFile, Rendering } from "../render/rendering.ts";

const DEFAULT_CONFIG = "/etc/sluice.cnf";
const DEFAULT_SLUICE = "/usr/bin/sluice";

const RENDERINGS = {
  haproxy: HAPROXY,
  keepalived: KEEPALIVED,
  nginx: NGINX,
  xinetd: XINETD,
  systemd: SYSTEMD,
  logrotate: LOGROTATE,
} as const satisfies Record<string, Rendering>;

type Kind = keyof typeof RENDERINGS;

const file = text("a file");

const COMMON = {
  config: option("file", file, `Sluice's configuration (default: ${DEFAULT_CONFIG})`),
  of: option(
    "name",
    text("the name of a monitor or service"),
    "whose servers (default: those of the only monitor)",
  ),
  sluice: option(
    "file",
    file,
    `the executable on the host that the text is for (default: ${DEFAULT_SLUICE})`,
  ),
  diff: option("file", file, "show how the file would change, and change nothing"),
  write: option("file", file, "put the text into the file as a whole; what was there is kept as FILE.bak"),
} as const;

const EXIT_CODES = [
  [0, "done; with --diff: the file is as it would be rendered"],
  [1, "with --diff: the file differs; or a file could not be read or written"],
  [2, "the command line or the configuration is wrong"],
] as const;

const EXAMPLES = [
  ["sluice render haproxy --diff /etc/haproxy/haproxy.cfg", "has somebody changed it, or the fleet?"],
  [
    "sluice render haproxy --write /etc/haproxy/haproxy.new && sluice haproxy reload --config /etc/haproxy/haproxy.new",
    "into service, without losing a connection",
  ],
  [
    "sluice render keepalived --role backup --vip 10.0.0.100/24 --interface eth1",
    "for the second host of a pair",
  ],
] as const;

/** With the options of all kinds; each kind has its own in `specOf`. */
const spec: CommandSpec = {
  name: "render",
  summary:
    "Print the configuration of HAProxy, keepalived, nginx, xinetd, systemd or logrotate for this fleet",
  details: [
    "The same configuration and options give the same text always. Nothing is asked and nothing is started.",
    ...Object.entries(RENDERINGS).map(([kind, { summary }]) => `${kind}: ${summary}.`),
  ],
  operands: Object.keys(RENDERINGS).join("|"),
  maxOperands: 1,
  options: { ...COMMON, ...labelled() },
  examples: EXAMPLES,
  exitCodes: EXIT_CODES,
};

export const command: Command = {
  spec,
  async run(args) {
    const [kind, ...rest] = args;
    if (kind === undefined || !isKind(kind)) {
      const given = kind === undefined ? "what?" : `${quote(kind)} cannot be rendered;`;
      throw new SluiceError("USAGE", `${given} it is one of ${Object.keys(RENDERINGS).join(", ")}`);
    }
    const rendering = RENDERINGS[kind];
    const { values } = parseArguments(specOf(kind, rendering), rest);
    const configPath = values.config ?? DEFAULT_CONFIG;
    const rendered = rendering.render(
      {
        configPath,
        configuration: once(() => loaded(configPath)),
        of: values.of,
        sluice: values.sluice ?? DEFAULT_SLUICE,
      },
      values,
    );
    if (values.diff !== undefined) return showDifference(values.diff, rendered.text);
    if (values.write !== undefined) write(values.write, rendered);
    else print(rendered.text);
    return 0;
  },
};

const isKind = (word: string): word is Kind => Object.hasOwn(RENDERINGS, word);

function specOf(kind: Kind, { summary, options }: Rendering): CommandSpec<typeof COMMON & OptionTable> {
  return {
    name: `render ${kind}`,
    summary,
    operands: "",
    maxOperands: 0,
    options: { ...options, ...COMMON },
    examples: EXAMPLES,
    exitCodes: EXIT_CODES,
  };
}

/** Every kind's options, each saying whose it is. */
function labelled(): OptionTable {
  const table: Record<string, OptionTable[string]> = {};
  for (const [kind, { options }] of Object.entries(RENDERINGS)) {
    for (const [name, one] of Object.entries(options)) {
      const before = table[name]?.summary;
      const summary = `${kind}: ${one.summary}`;
      table[name] = { ...one, summary: before === undefined ? summary : `${before}; ${summary}` };
    }
  }
  return table;
}

function once<T>(make: () => T): () => T {
  let made: { readonly value: T } | undefined;
  return () => {
    made ??= { value: make() };
    return made.value;
  };
}

function loaded(path: string): Configuration {
  const result = loadConfiguration(path, REAL_FILES, process.env);
  for (const warning of result.warnings) printError(`warning: ${formatWarning(warning)}\n`);
  if (result.ok) return result.configuration;
  throw new SluiceError("CONFIG_INVALID", result.problems.map(formatProblem).join("\n"));
}

function showDifference(path: string, rendered: string): number {
  const difference = lineDifference(present(path) ?? "", rendered, path, "rendered");
  print(difference);
  return difference === "" ? 0 : 1;
}

function write(path: string, { text: rendered, mode }: RenderedFile): void {
  const before = present(path);
  if (before === rendered) {
    print(`${path} is as it should be; nothing was written\n`);
    return;
  }
  const kept = before === undefined ? mode : statSync(path).mode & 0o7777;
  if (before !== undefined) writeFileAtomically(`${path}.bak`, before, kept);
  writeFileAtomically(path, rendered, kept);
  print(before === undefined ? `${path} written\n` : `${path} written; the one before is ${path}.bak\n`);
}

/** Undefined: there is no such file. */
function present(path: string): string | undefined {
  if (!existsSync(path)) return undefined;
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    throw new SluiceError("IO_FAILED", `cannot read ${path}: ${errorMessage(error)}`, { cause: error });
  }
}
