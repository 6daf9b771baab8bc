import type { ConnectionFlags } from "../../config/connection.ts";
import type { FileAccess } from "../../config/file-access.ts";
import { Secret } from "../../config/secret.ts";
import { flag, oneOf } from "../../config/values/choice.ts";
import { duration } from "../../config/values/duration.ts";
import { port } from "../../config/values/number.ts";
import { text } from "../../config/values/text.ts";
import type { ValueType } from "../../config/values/value-type.ts";
import { SluiceError } from "../../errors/sluice-error.ts";
import type { Policy } from "../../verdict/policy.ts";
import { type OptionValues, option, toggle } from "../command.ts";
import { CONNECTION_OPTIONS, connectionFlags } from "../connection-options.ts";
import { parseShellVariables } from "./shell-variables.ts";

/** What a script that a persona stands in for has its variables set to. */
export interface PersonaDefaults {
  readonly name: "clustercheck" | "mysqlchk" | "connectorchk";
  readonly user: string;
  readonly password: string;
  /** Undefined: as the mysql client finds it. */
  readonly host: string | undefined;
  readonly disableFile: string;
  readonly defaultsExtraFile: string | undefined;
}

export interface PersonaSettings {
  readonly connection: ConnectionFlags;
  /** Undefined: as the option files say. */
  readonly password: Secret | undefined;
  readonly availableWhenDonor: Policy["availableWhenDonor"];
  readonly availableWhenReadonly: boolean;
  readonly errorFile: string;
  readonly disableFile: string;
  readonly timeoutMs: number;
}

const DEFAULT_TIMEOUT_MS = 1000;
const TIMEOUT = duration({ bare: "s", minMs: 50, maxMs: 60_000 });

export const PERSONA_OPTIONS = {
  ...CONNECTION_OPTIONS,
  "error-file": option("file", text("a file"), "append here why a check failed (or $ERR_FILE)"),
  "force-fail": option("file", text("a file"), "the server is out while this file exists (or $FORCE_FAIL)"),
  timeout: option("duration", TIMEOUT, "for everything together (or $TIMEOUT; default: 1s)"),
  "no-agent": toggle("ask the server itself, also where an agent runs"),
  "runtime-dir": option("dir", text("a directory"), "directory of the agent's socket"),
} as const;

export const PERSONA_EXIT_CODES = [
  [0, "200 was answered"],
  [1, "503 was answered"],
  [2, "the command line is wrong (at a terminal; a client gets 503)"],
] as const;

export type PersonaValues = OptionValues<typeof PERSONA_OPTIONS>;

// clustercheck's 1 lets any donor serve, whatever its state transfer does.
const WHEN_DONOR = oneOf(["never", "nonblocking", "always"], { also: { "0": "never", "1": "always" } });
// The variables that an operand sets, in their order.
const OPERAND_NAMES = [
  "MYSQL_USERNAME",
  "MYSQL_PASSWORD",
  "AVAILABLE_WHEN_DONOR",
  "ERR_FILE",
  "AVAILABLE_WHEN_READONLY",
  "DEFAULTS_EXTRA_FILE",
];

/**
 * The command line wins over the file that the script would source, which wins over the environment, which wins over the
 * script's own defaults. A user or password that is set and empty is left to the option files, as in the script. Throws
 * USAGE for a value that cannot be, IO_FAILED for a settings file that cannot be read.
 */
export function personaSettings(
  defaults: PersonaDefaults,
  values: PersonaValues,
  operands: readonly string[],
  env: NodeJS.ProcessEnv,
  files: FileAccess,
): PersonaSettings {
  const variable = lookup(defaults.name, operands, env, files);
  const flags = connectionFlags(values);
  const password = variable.text("MYSQL_PASSWORD") ?? defaults.password;
  const defaultsExtraFile =
    flags.defaultsExtraFile ?? (variable.text("DEFAULTS_EXTRA_FILE") || defaults.defaultsExtraFile);
  return {
    connection: {
      ...flags,
      host: flags.host ?? (variable.text("MYSQL_HOST") || defaults.host),
      port: flags.port ?? variable.parsed("MYSQL_PORT", port()),
      socket: flags.socket ?? variable.text("MYSQL_SOCKET"),
      user: flags.user ?? variable.text("MYSQL_USERNAME") ?? defaults.user,
      // The script does without a file that it cannot read.
      defaultsExtraFile: isReadable(defaultsExtraFile, files) ? defaultsExtraFile : undefined,
    },
    password: password === "" || flags.passwordFile !== undefined ? undefined : new Secret(password),
    availableWhenDonor: variable.parsed("AVAILABLE_WHEN_DONOR", WHEN_DONOR) ?? "never",
    availableWhenReadonly: variable.parsed("AVAILABLE_WHEN_READONLY", flag()) ?? true,
    errorFile: values["error-file"] ?? (variable.text("ERR_FILE") || "/dev/null"),
    disableFile: values["force-fail"] ?? (variable.text("FORCE_FAIL") || defaults.disableFile),
    timeoutMs: values.timeout ?? variable.parsed("TIMEOUT", TIMEOUT) ?? DEFAULT_TIMEOUT_MS,
  };
}

interface Variables {
  text(name: string): string | undefined;
  /** Undefined where the variable is unset or empty. */
  parsed<T>(name: string, type: ValueType<T>): T | undefined;
}

function lookup(
  persona: string,
  operands: readonly string[],
  env: NodeJS.ProcessEnv,
  files: FileAccess,
): Variables {
  const sourced = sourcedVariables(persona, files);
  const value = (name: string): string | undefined =>
    operands[OPERAND_NAMES.indexOf(name)] ?? sourced.get(name) ?? env[name];
  return {
    text: value,
    parsed(name, type) {
      const written = value(name);
      if (written === undefined || written === "") return undefined;
      const parsed = type.parse(written);
      if (parsed.ok) return parsed.value;
      throw new SluiceError(
        "USAGE",
        `${name}=${written.slice(0, 40)} is ${parsed.wrong}; expected ${parsed.expected ?? type.expected}`,
      );
    },
  };
}

/** /etc/sysconfig/NAME, or where Debian puts such files. */
function sourcedVariables(persona: string, files: FileAccess): ReadonlyMap<string, string> {
  const file = files.read(`/etc/sysconfig/${persona}`) ?? files.read(`/etc/default/${persona}`);
  return parseShellVariables(file?.text ?? "");
}

function isReadable(path: string | undefined, files: FileAccess): boolean {
  try {
    return path !== undefined && files.read(path) !== undefined;
  } catch {
    return false;
  }
}
