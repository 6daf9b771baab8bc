import { readFileSync } from "node:fs";
import { isatty } from "node:tty";
import { Daemons } from "../../client/rest/daemons.ts";
import type { ClientTls } from "../../client/rest/exchange.ts";
import type { Login } from "../../client/rest/login.ts";
import { localDaemon, parseHosts } from "../../client/rest/route.ts";
import type { Secret } from "../../config/secret.ts";
import { flag } from "../../config/values/choice.ts";
import type { ValueType } from "../../config/values/value-type.ts";
import { errorMessage, SluiceError } from "../../errors/sluice-error.ts";
import { eraseArgument } from "../../system/erase-argument.ts";
import { runtimePaths } from "../../system/runtime-paths.ts";
import { type Clock, SYSTEM_CLOCK } from "../../telemetry/clock.ts";
import { print, printError } from "../output.ts";
import { FLEET_OPTIONS, type FleetOptions } from "./fleet-options.ts";
import { FleetOutput, type OutputMode } from "./fleet-output.ts";
import { standardTerminal, type Terminal } from "./live-screen.ts";
import { obtainLogin } from "./obtain-login.ts";
import { type FileOptions, readOptionFile } from "./option-file.ts";
import { type AskSecret, askOnTerminal } from "./prompt.ts";

/** What an action works with. */
export interface Fleet {
  readonly daemons: Daemons;
  readonly output: FleetOutput;
  readonly clock: Clock;
  /** Undefined where standard output is none. */
  readonly terminal: Terminal | undefined;
  /** Asks for a secret that is to be set. Where there is nobody to ask it rejects, and says what to do `otherwise`. */
  askNewSecret(what: string, otherwise: string): Promise<Secret>;
  /** Hides an argument that shows a password from other users, and tells the person. */
  hideArgument(name: string, value: string): void;
}

/** What the process gives; tests give their own. */
export interface Surroundings {
  readonly env: NodeJS.ProcessEnv;
  readonly clock: Clock;
  readonly ask: AskSecret;
  readonly write: (text: string) => void;
  readonly hasColour: boolean;
  readonly terminal: Terminal | undefined;
  readonly hideArgument: Fleet["hideArgument"];
}

const DEFAULT_TIMEOUT_MS = 10_000;

export function processSurroundings(): Surroundings {
  const { env } = process;
  return {
    env,
    clock: SYSTEM_CLOCK,
    ask: askOnTerminal,
    write: print,
    hasColour: isatty(1) && !env["NO_COLOR"] && env["TERM"] !== "dumb",
    terminal: standardTerminal(print),
    hideArgument,
  };
}

function hideArgument(name: string, value: string): void {
  for (const [index, arg] of process.argv.entries()) {
    if (arg === value || arg.endsWith(`=${value}`)) eraseArgument(process.argv.length - index);
  }
  if (isatty(2)) printError(`${name}=… stays in the history of your shell: ${name}=- asks for it instead\n`);
}

/** Nothing is asked and nobody is connected to before an action needs it. */
export function openFleet(options: FleetOptions, surroundings: Surroundings): Fleet {
  const { env, clock, ask, write, hasColour, terminal } = surroundings;
  const file = readOptionFile(options.config, env["HOME"]);
  const tls = tlsOf(options, file);
  const secure = options.secure ?? fromFile("secure", file.secure, flag()) ?? tls.isWanted;
  const hosts = options.hosts ?? file.hosts;
  const addresses =
    hosts === undefined
      ? [localDaemon(runtimePaths(undefined, env).adminSocket, secure)]
      : parseHosts(hosts, secure);
  return {
    daemons: new Daemons(addresses, {
      tls,
      login: once(() => obtainLogin(options, file, ask)),
      timeoutMs: options.timeout ?? fromFile("timeout", file.timeout, TIMEOUT) ?? DEFAULT_TIMEOUT_MS,
    }),
    output: new FleetOutput(modeOf(options), hasColour, write),
    clock,
    askNewSecret: (what, otherwise) => askTwice(ask, what, otherwise),
    terminal,
    hideArgument: surroundings.hideArgument,
  };
}

const TIMEOUT = FLEET_OPTIONS.timeout.type as ValueType<number>;

function modeOf({ json, tsv, quiet }: FleetOptions): OutputMode {
  if (json && tsv)
    throw new SluiceError("USAGE", "--json and --tsv are two forms of one answer: give one of them");
  if (quiet) return "nothing";
  return json ? "json" : tsv ? "tsv" : "table";
}

function tlsOf(options: FleetOptions, file: FileOptions): ClientTls & { readonly isWanted: boolean } {
  const ca = pem(options["tls-ca-cert"] ?? file.tls_ca_cert);
  const cert = pem(options["tls-cert"] ?? file.tls_cert);
  const key = pem(options["tls-key"] ?? file.tls_key);
  if ((cert === undefined) !== (key === undefined)) {
    throw new SluiceError("USAGE", "--tls-cert and --tls-key belong together: give both");
  }
  const verify =
    options["tls-verify-server-cert"] ??
    fromFile("tls-verify-server-cert", file.tls_verify_server_cert, flag()) ??
    true;
  return { ca, cert, key, verify, isWanted: ca !== undefined || cert !== undefined };
}

function pem(path: string | undefined): string | undefined {
  if (path === undefined) return undefined;
  try {
    return readFileSync(path, "utf8");
  } catch (cause) {
    throw new SluiceError("IO_FAILED", `cannot read ${path}: ${errorMessage(cause)}`, { cause });
  }
}

function fromFile<T>(name: string, text: string | undefined, type: ValueType<T>): T | undefined {
  if (text === undefined) return undefined;
  const parsed = type.parse(text);
  if (parsed.ok) return parsed.value;
  throw new SluiceError(
    "CONFIG_INVALID",
    `${name} of the option file is ${parsed.wrong}; expected ${parsed.expected ?? type.expected}`,
  );
}

async function askTwice(ask: AskSecret, what: string, otherwise: string): Promise<Secret> {
  const first = await ask(what);
  if (first === undefined)
    throw new SluiceError("USAGE", `${what}: there is no terminal to ask on; ${otherwise}`);
  const second = await ask(`${what}, once more`);
  if (second !== undefined && first.equals(second)) return first;
  throw new SluiceError("USAGE", "the two are not the same: nothing was changed");
}

function once(make: () => Promise<Login>): () => Promise<Login> {
  let made: Promise<Login> | undefined;
  return () => {
    made ??= make();
    return made;
  };
}
