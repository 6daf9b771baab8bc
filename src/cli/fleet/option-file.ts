import { join } from "node:path";
import { parseCnf } from "../../config/cnf-parser.ts";
import { type FileAccess, REAL_FILES } from "../../config/file-access.ts";
import { own } from "../../config/own.ts";
import { formatProblem } from "../../config/problem.ts";
import { nearest } from "../../config/suggestion.ts";
import { SluiceError } from "../../errors/sluice-error.ts";
import { readPrivateFile } from "./secret-file.ts";

/** What an option file says, by the names of the options; `password` is possible there, being private. */
export type FileOptions = Readonly<Partial<Record<OptionName, string>>>;

const NAMES = [
  "hosts",
  "user",
  "password",
  "password_file",
  "token_file",
  "timeout",
  "secure",
  "tls_ca_cert",
  "tls_cert",
  "tls_key",
  "tls_verify_server_cert",
] as const;
type OptionName = (typeof NAMES)[number];

/** maxctrl's letters stand in its files too. */
const LETTERS: Readonly<Record<string, OptionName>> = {
  h: "hosts",
  u: "user",
  p: "password",
  t: "timeout",
  s: "secure",
  n: "tls_verify_server_cert",
};
/** maxctrl's options that have no meaning here. */
const PASSED_OVER: ReadonlySet<string> = new Set(["q", "quiet", "tsv", "tls_passphrase", "c", "config"]);

/**
 * Reads `explicit`, else ~/.sluice.cnf, else ~/.maxctrl.cnf: the first that is there. Only its owner may read it. Throws
 * SECRET_UNREADABLE for one that others may read, CONFIG_INVALID with file and line for one that is not understood.
 */
export function readOptionFile(
  explicit: string | undefined,
  home: string | undefined,
  files: FileAccess = REAL_FILES,
): FileOptions {
  if (explicit !== undefined) {
    const text = readPrivateFile(explicit, files);
    if (text === undefined) throw new SluiceError("USAGE", `there is no file ${explicit}`);
    return parseOptions(explicit, text);
  }
  for (const name of home ? USUAL : []) {
    const path = join(home ?? "", name);
    const text = readIfAllowed(path, files);
    if (text !== undefined) return parseOptions(path, text);
  }
  return {};
}

const USUAL = [".sluice.cnf", ".maxctrl.cnf"];

/** Nobody has named the file: keepalived runs a script as another user with root's HOME. */
function readIfAllowed(path: string, files: FileAccess): string | undefined {
  try {
    return readPrivateFile(path, files);
  } catch (error) {
    const { code } = ((error as Error).cause ?? {}) as { readonly code?: string };
    if (code === "EACCES") return undefined;
    throw error;
  }
}

function parseOptions(path: string, text: string): FileOptions {
  const { sections, problems } = parseCnf(path, text);
  const [problem] = problems;
  if (problem !== undefined) throw new SluiceError("CONFIG_INVALID", formatProblem(problem));
  const options: Partial<Record<OptionName, string>> = {};
  for (const { name: section, parameters } of sections) {
    if (section !== "sluice" && section !== "maxctrl") continue;
    for (const { name, value, at } of parameters) {
      const known = own(LETTERS, name) ?? NAMES.find((one) => one === name);
      if (known !== undefined) options[known] = value;
      else if (!PASSED_OVER.has(name)) throw unknownName(`${at.file}:${at.line}`, name);
    }
  }
  return options;
}

function unknownName(place: string, name: string): SluiceError {
  const near = nearest(name, NAMES);
  const right = near === undefined ? `possible are ${NAMES.join(", ")}` : `did you mean ${near}?`;
  return new SluiceError("CONFIG_INVALID", `${place}: there is no option ${name}: ${right}`);
}
