import type { FileAccess } from "../../config/file-access.ts";
import { type Finding, isError, isOk, isWarning } from "./finding.ts";

export interface HaproxyQuestion {
  /** Port of the database, as HAProxy's server lines name it. */
  readonly databasePort: number;
  /** Port on which the agent answers health checks. */
  readonly healthPort: number;
  /** Is this an address of this very host? */
  isLocal(host: string): boolean;
}

const FILES = "/etc/haproxy/haproxy.cfg";
const FOLDER = "/etc/haproxy/conf.d";

/** Does a HAProxy on this host check the servers where the agent answers? */
export function examineHaproxy(question: HaproxyQuestion, files: FileAccess): readonly Finding[] {
  const paths = [FILES, ...entries(files)];
  const texts = paths.flatMap((path) => {
    const text = read(path, files);
    return text === undefined ? [] : [[path, text] as const];
  });
  if (texts.length === 0) return [];
  const findings = texts.flatMap(([path, text]) => judgeHaproxy(path, text, question));
  return findings.length > 0
    ? findings
    : [isOk("HAProxy", "no server line of this host checks another port than the agent's")];
}

/** What a section says of checks; a section begins with what the last `defaults` said. */
interface Checks {
  readonly isHttp: boolean;
  readonly port: number | undefined;
}

const NOTHING: Checks = { isHttp: false, port: undefined };
const SECTION =
  /^(global|defaults|frontend|backend|listen|peers|resolvers|userlist|program|cache|mailers|ring|http-errors)$/;

export function judgeHaproxy(path: string, text: string, question: HaproxyQuestion): readonly Finding[] {
  const findings: Finding[] = [];
  let defaults = NOTHING;
  let section = NOTHING;
  let inDefaults = false;
  for (const [index, line] of text.split("\n").entries()) {
    const words = line
      .replace(/(^|\s)#.*$/, "")
      .trim()
      .split(/\s+/);
    const [keyword = ""] = words;
    if (SECTION.test(keyword)) {
      if (inDefaults) defaults = section;
      inDefaults = keyword === "defaults";
      section = inDefaults ? NOTHING : defaults;
    } else if (keyword === "server") {
      findings.push(...judgeServer(`${path}:${index + 1}`, words, section, question));
    } else section = readChecks(words, section);
  }
  return findings;
}

function readChecks(words: readonly string[], checks: Checks): Checks {
  const line = words.join(" ");
  if (words[0] === "default-server") return { ...checks, port: numberAfter(words, "port") ?? checks.port };
  if (line.startsWith("option httpchk")) return { ...checks, isHttp: true };
  // One kind of check replaces another.
  const isOther =
    /^option (mysql-check|tcp-check|ssl-hello-chk|pgsql-check|smtpchk|ldap-check|redis-check|spop-check|external-check)\b/;
  return isOther.test(line) || line.startsWith("no option httpchk") ? { ...checks, isHttp: false } : checks;
}

function judgeServer(
  place: string,
  words: readonly string[],
  checks: Checks,
  { databasePort, healthPort, isLocal }: HaproxyQuestion,
): readonly Finding[] {
  const [, name = "", address = ""] = words;
  const [, host = "", port] = /^(.*?)(?::(\d+))?$/.exec(address) ?? [];
  const isDatabase = port === undefined || Number(port) === databasePort;
  if (!words.includes("check") || !checks.isHttp || !isDatabase) return [];
  const checkPort = numberAfter(words, "port") ?? checks.port;
  if (checkPort === undefined) {
    const sentence = `${place}: server ${name} has its HTTP check sent to the database port itself`;
    return [
      isError(
        "HAProxy",
        sentence,
        `check port ${healthPort}; else the database counts broken connections until it blocks HAProxy`,
      ),
    ];
  }
  if (checkPort === healthPort || !isLocal(host.replace(/^ipv[46]@|[[\]]/g, ""))) return [];
  const sentence = `${place}: server ${name} is this host, and is checked on port ${checkPort}`;
  return [
    isWarning(
      "HAProxy",
      sentence,
      `check port ${healthPort}, where the agent answers; or give the agent --http-port ${checkPort}`,
    ),
  ];
}

function numberAfter(words: readonly string[], name: string): number | undefined {
  const at = words.indexOf(name);
  const value = at < 0 ? Number.NaN : Number(words[at + 1]);
  return Number.isInteger(value) ? value : undefined;
}

function entries(files: FileAccess): readonly string[] {
  try {
    const list = files.list(FOLDER) ?? [];
    return list.flatMap(({ name }) => (name.endsWith(".cfg") ? [`${FOLDER}/${name}`] : []));
  } catch {
    return [];
  }
}

function read(path: string, files: FileAccess): string | undefined {
  try {
    return files.read(path)?.text;
  } catch {
    return undefined;
  }
}
