import { readdirSync } from "node:fs";
import { join, resolve } from "node:path";
import { REAL_FILES } from "../../config/file-access.ts";
import { dayOf } from "../../config/tls/certificate.ts";
import type {
  CertificateFinding,
  CertificateSeverity,
  PemFile,
} from "../../config/tls/examine-certificates.ts";
import { oneOf } from "../../config/values/choice.ts";
import { integer } from "../../config/values/number.ts";
import { text } from "../../config/values/text.ts";
import { errorMessage, SluiceError } from "../../errors/sluice-error.ts";
import { oneLineNames } from "../../proxy/tls/distinguished-name.ts";
import { afterClient, afterInit, afterServer } from "../certs/instructions.ts";
import type { Authority, IssuedCertificate, Lifetime } from "../certs/issue.ts";
import type { KeyKind } from "../certs/key-pair.ts";
import { type PairPaths, pairPaths, refuseToOverwrite, writePair } from "../certs/pair-files.ts";
import { type SetVerdict, verifySet, verifyTogether } from "../certs/verify-set.ts";
import { type Command, type CommandSpec, type OptionValues, option } from "../command.ts";
import { print } from "../output.ts";
import { formOf, parseArguments } from "../parse-arguments.ts";

const AUTHORITY_DAYS = 3650;
const LEAF_DAYS = 730;
const MAX_NAMES = 100;

const options = {
  dir: option("dir", text("a directory"), "where the files are, and are written (default: this directory)"),
  name: option("name", text("a name"), "init: the CN of the authority (default: Database CA and the date)"),
  out: option(
    "name",
    text("the beginning of file names"),
    "server, client: NAME-cert.pem and NAME-key.pem (default: server, client)",
  ),
  days: option(
    "days",
    integer(1, 36_500, "days"),
    `how long it is valid (default: ${AUTHORITY_DAYS} for the authority, ${LEAF_DAYS} for others)`,
  ),
  "key-type": option(
    "ecdsa|rsa",
    oneOf(["ecdsa", "rsa"]),
    "ecdsa (P-256), or rsa (3072 bits) where a peer is too old for it (default: ecdsa)",
  ),
  ca: option(
    "file",
    text("a file"),
    "verify: the authority's certificate (default: ca-cert.pem in the directory)",
  ),
  cert: option("file", text("a file"), "verify: only this certificate"),
  key: option("file", text("a file"), "verify: its key"),
  host: option("host", text("a name or address"), "verify: the certificate must be for this host"),
} as const;

const spec: CommandSpec<typeof options> = {
  name: "certs",
  summary: "Make certificates for servers, listeners and clients, or say what is wrong with some",
  details: [
    "init: makes an authority of your own: ca-cert.pem, which everybody gets, and ca-key.pem, which stays where it is.",
    "server NAME…: makes a certificate that the authority has signed, for a host that is reached by these names and addresses.",
    "client NAME: makes a certificate that says who a client is.",
    "verify [DIR]: looks at ca-cert.pem and all pairs of X-cert.pem and X-key.pem in a directory, or at the files that are named, and says of each what would keep it from working, and what to do.",
    "Keys are readable by their owner only. A file that is there is never overwritten. Every certificate has a name and a serial number of its own: one that has its authority's name is refused as self-signed.",
  ],
  operands: "init|server|client|verify [NAME…]",
  maxOperands: 1 + MAX_NAMES,
  options,
  examples: [
    ["sluice certs init --dir /etc/my.cnf.d/certs", "once"],
    ["sluice certs server box01 192.168.50.11 --out box01 --dir /etc/my.cnf.d/certs", "for each host"],
    ["sluice certs client sluice --days 365 --dir /etc/my.cnf.d/certs", "for who connects"],
    ["sluice certs verify /etc/my.cnf.d/certs", "before it is used, and when it does not work"],
    ["sluice certs verify --ca ca.pem --cert db1.pem --host db1.example.com", "files from elsewhere"],
  ],
  exitCodes: [
    [0, "done; verify: others will accept them"],
    [1, "verify: others will refuse some of them; or a file is there already, or cannot be written"],
    [2, "the command line is wrong"],
  ],
};

type Values = OptionValues<typeof options>;

export const command: Command = {
  spec,
  async run(args) {
    const { values, operands } = parseArguments(spec, args);
    const [what, ...names] = operands;
    switch (what) {
      case "init":
        return await init(values, names);
      case "server":
      case "client":
        return await issue(what, values, names);
      case "verify":
        return verify(values, names);
      default:
        throw new SluiceError("USAGE", `the form is: ${formOf(spec)}`);
    }
  },
};

async function init(values: Values, names: readonly string[]): Promise<number> {
  if (names.length > 0) throw new SluiceError("USAGE", "init takes no names; --name names the authority");
  const directory = resolve(values.dir ?? ".");
  const paths = pairPaths(directory, "ca");
  refuseToOverwrite(paths);
  const lifetime = lifetimeOf(values, AUTHORITY_DAYS);
  const name = values.name ?? `Database CA ${dayOf(lifetime.now)}`;
  const { issueAuthority } = await import("../certs/issue.ts");
  write(directory, paths, await issueAuthority(name, kindOf(values), lifetime));
  print(`\n${afterInit(directory)}`);
  return 0;
}

async function issue(what: "server" | "client", values: Values, names: readonly string[]): Promise<number> {
  checkNames(what, names);
  const directory = resolve(values.dir ?? ".");
  const paths = pairPaths(directory, values.out ?? what);
  refuseToOverwrite(paths);
  const ca = pairPaths(directory, "ca");
  const library = await import("../certs/issue.ts");
  const authority = await library.loadAuthority(existing(ca.cert), existing(ca.key));
  const lifetime = lifetimeOf(values, LEAF_DAYS);
  const issued =
    what === "server"
      ? await library.issueForServer(names, authority, kindOf(values), lifetime)
      : await library.issueForClient(names[0] ?? "", authority, kindOf(values), lifetime);
  write(directory, paths, issued);
  print(
    `\n${what === "server" ? afterServer(names, ca.cert, paths) : clientLines(names, authority, ca, paths)}`,
  );
  return 0;
}

function clientLines(
  names: readonly string[],
  { certificate }: Authority,
  ca: PairPaths,
  paths: PairPaths,
): string {
  return afterClient(names[0] ?? "", oneLineNames(certificate.raw).subject, ca.cert, paths);
}

function checkNames(what: "server" | "client", names: readonly string[]): void {
  if (what === "server" && names.length === 0)
    throw new SluiceError(
      "USAGE",
      "name each host name and address that the server is reached by: sluice certs server db1 10.0.0.1",
    );
  if (what === "client" && names.length !== 1)
    throw new SluiceError("USAGE", "a client has one name: sluice certs client NAME");
  const wrong = names.find((name) =>
    what === "server" ? !/^[\w.*:-]+$/.test(name) : !/^[ -~]+$/.test(name),
  );
  if (wrong !== undefined)
    throw new SluiceError("USAGE", `${JSON.stringify(wrong)} is no name or address of a ${what}`);
}

function write(directory: string, paths: PairPaths, issued: IssuedCertificate): void {
  writePair(directory, paths, issued);
  print(`wrote ${paths.cert}\nwrote ${paths.key} (readable by its owner only)\n`);
}

const kindOf = (values: Values): KeyKind => values["key-type"] ?? "ecdsa";
const lifetimeOf = (values: Values, days: number): Lifetime => ({
  now: Date.now(),
  days: values.days ?? days,
});

/** A file that must be there. Throws IO_FAILED. */
function existing(path: string): PemFile {
  const file = REAL_FILES.read(path);
  if (file !== undefined) return { path, ...file };
  const hint =
    path.endsWith("ca-key.pem") || path.endsWith("ca-cert.pem")
      ? "; `sluice certs init` makes an authority"
      : "";
  throw new SluiceError("IO_FAILED", `there is no file ${path}${hint}`);
}

function verify(values: Values, operands: readonly string[]): number {
  if (operands.length > 1) throw new SluiceError("USAGE", "verify takes one directory");
  const directory = resolve(operands[0] ?? values.dir ?? ".");
  const now = Date.now();
  const ca = existing(resolve(values.ca ?? join(directory, "ca-cert.pem")));
  const sets = values.cert === undefined ? setsIn(directory) : [namedSet(values.cert, values.key)];
  const verdicts = sets.map((set) => verifySet({ ...set, ca, host: values.host }, now));
  const together = verifyTogether(sets.map(({ cert }) => cert));
  const all = [...verdicts.flatMap(({ findings }) => findings), ...together];
  const unique = [
    ...new Map(all.map((finding) => [`${finding.file}\n${finding.sentence}`, finding])).values(),
  ];
  print(report(verdicts, unique));
  return unique.some(({ severity }) => severity !== "risk") ? 1 : 0;
}

type Files = { readonly cert: PemFile; readonly key: PemFile | undefined };

function namedSet(cert: string, key: string | undefined): Files {
  return { cert: existing(resolve(cert)), key: key === undefined ? undefined : existing(resolve(key)) };
}

/** All pairs of a directory but the authority's. Throws IO_FAILED where there are none. */
function setsIn(directory: string): readonly Files[] {
  const bases = namesIn(directory).flatMap((name) => /^(.+)-cert\.pem$/.exec(name)?.[1] ?? []);
  const sets = bases
    .filter((base) => base !== "ca")
    .map((base) => {
      const paths = pairPaths(directory, base);
      const key = readable(paths.key);
      return { cert: existing(paths.cert), key };
    });
  if (sets.length === 0)
    throw new SluiceError(
      "IO_FAILED",
      `${directory} has no files called X-cert.pem; name them: --cert, --key`,
    );
  return sets;
}

function namesIn(directory: string): readonly string[] {
  try {
    return readdirSync(directory).sort();
  } catch (error) {
    throw new SluiceError("IO_FAILED", `cannot read ${directory}: ${errorMessage(error)}`, { cause: error });
  }
}

/** A key may be absent here: hosts of clients have none of a server. */
function readable(path: string): PemFile | undefined {
  const file = REAL_FILES.read(path);
  return file === undefined ? undefined : { path, ...file };
}

const MARKS: Readonly<Record<CertificateSeverity, string>> = {
  unusable: "ERROR",
  refused: "ERROR",
  risk: "warn ",
};

function report(verdicts: readonly SetVerdict[], findings: readonly CertificateFinding[]): string {
  const good = verdicts.flatMap(({ file, words }) =>
    words === undefined || findings.some((finding) => finding.file === file && finding.severity !== "risk")
      ? []
      : [`ok     ${file}: ${words}`],
  );
  const bad = findings.flatMap(({ severity, file, sentence, remedy }) => [
    `${MARKS[severity]}  ${file}: ${sentence}`,
    `       → ${remedy}`,
  ]);
  return `${[...good, ...bad].join("\n")}\n`;
}
