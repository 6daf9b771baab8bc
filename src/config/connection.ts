import { SluiceError } from "../errors/sluice-error.ts";
import type { DatabaseTarget, TlsOptions } from "../probe/database/target.ts";
import type { Endpoint } from "../topology/endpoint.ts";
import { type ClientOptions, type ClientTls, clientOptions } from "./client-options.ts";
import type { FileAccess } from "./file-access.ts";
import { CLIENT_GROUPS, type MyCnfRequest, readMyCnf } from "./my-cnf.ts";
import { Secret } from "./secret.ts";

/** What the command line says of the server to ask; the names mean what they mean to the mysql client. */
export interface ConnectionFlags {
  readonly host?: string | undefined;
  readonly port?: number | undefined;
  readonly socket?: string | undefined;
  readonly protocol?: "tcp" | "socket" | undefined;
  readonly user?: string | undefined;
  /** A file whose first line is the password. There is no flag for the password itself: argv is public. */
  readonly passwordFile?: string | undefined;
  readonly database?: string | undefined;
  readonly defaultsFile?: string | undefined;
  readonly defaultsExtraFile?: string | undefined;
  readonly ssl?: boolean | undefined;
  readonly sslCa?: string | undefined;
  readonly sslCert?: string | undefined;
  readonly sslKey?: string | undefined;
  readonly sslVerifyServerCert?: boolean | undefined;
  readonly checkQuery?: string | undefined;
}

export interface ResolvedConnection {
  readonly target: DatabaseTarget;
  readonly warnings: readonly string[];
}

const DEFAULT_PORT = 3306;
// Where Debian, Red Hat and the server itself put the socket.
const USUAL_SOCKETS = ["/run/mysqld/mysqld.sock", "/var/lib/mysql/mysql.sock", "/tmp/mysql.sock"];
const SERVER_GROUPS = ["mysqld", "server", "mariadb", "mariadbd", "galera"];

/**
 * Finds out how to reach the server: flags first, then the environment (MYSQL_HOST, MYSQL_TCP_PORT, MYSQL_UNIX_PORT,
 * SLUICE_USER, SLUICE_PASSWORD, MYSQL_PWD), then the option files, then the local server's own configuration.
 * Throws CONFIG_INVALID or IO_FAILED with a sentence that names the file.
 */
export function resolveConnection(
  flags: ConnectionFlags,
  env: NodeJS.ProcessEnv,
  files: FileAccess,
): ResolvedConnection {
  const request = { extraFile: flags.defaultsExtraFile, onlyFile: flags.defaultsFile, home: env["HOME"] };
  const client = readMyCnf({ groups: CLIENT_GROUPS, ...request }, files);
  const options = clientOptions(client.options);
  const server = clientOptions(
    readMyCnf({ groups: SERVER_GROUPS, ...request }, files).options.filter(isAddress),
  );
  const target: DatabaseTarget = Object.freeze({
    endpoint: findEndpoint(flags, env, options, server, files),
    user: nonEmpty(flags.user) ?? nonEmpty(env["SLUICE_USER"]) ?? options.user ?? systemUser(env),
    password: passwordSource(flags, env, request, files, client.warnings),
    tls: resolveTls(flags, options.tls, files),
    database: nonEmpty(flags.database),
    checkQuery: nonEmpty(flags.checkQuery),
  });
  return { target, warnings: client.warnings };
}

/** Host and port, or the socket. As with the client, localhost means the socket unless TCP is asked for. */
function findEndpoint(
  flags: ConnectionFlags,
  env: NodeJS.ProcessEnv,
  client: ClientOptions,
  server: ClientOptions,
  files: FileAccess,
): Endpoint {
  const isTcp = flags.protocol === "tcp" || (flags.protocol === undefined && client.protocol === "tcp");
  const flagHost = nonEmpty(flags.host) ?? nonEmpty(env["MYSQL_HOST"]);
  const host = flagHost ?? client.host;
  const port = flags.port ?? portNumber(env["MYSQL_TCP_PORT"]) ?? client.port ?? server.port ?? DEFAULT_PORT;
  const tcp = (): Endpoint => ({
    kind: "tcp",
    host: host === undefined || host === "localhost" ? "127.0.0.1" : host,
    port,
  });
  const socket =
    nonEmpty(flags.socket) ?? (flagHost === undefined ? nonEmpty(env["MYSQL_UNIX_PORT"]) : undefined);
  if (socket !== undefined) return { kind: "socket", path: socket };
  if (isTcp || (host !== undefined && host !== "localhost")) return tcp();
  if (flags.port !== undefined && flags.protocol !== "socket") return tcp();
  const found = client.socket ?? server.socket ?? USUAL_SOCKETS.find((path) => exists(path, files));
  if (found !== undefined) return { kind: "socket", path: found };
  return flags.protocol === "socket" ? { kind: "socket", path: "/run/mysqld/mysqld.sock" } : tcp();
}

/** The password is looked up at each login, so that a changed file needs no restart. A file that went bad keeps the last one. */
function passwordSource(
  flags: ConnectionFlags,
  env: NodeJS.ProcessEnv,
  request: Omit<MyCnfRequest, "groups">,
  files: FileAccess,
  knownWarnings: readonly string[],
): () => string | undefined {
  const { passwordFile } = flags;
  const fromEnvironment = env["SLUICE_PASSWORD"] ?? env["MYSQL_PWD"];
  const read = (): Secret | undefined => {
    if (passwordFile !== undefined) return readPasswordFile(passwordFile, files);
    if (fromEnvironment !== undefined) return new Secret(fromEnvironment);
    const { options, warnings } = readMyCnf({ ...request, groups: CLIENT_GROUPS }, files);
    // A file that could be read at the start and now is passed over (root's own, since --run-as): its last word holds.
    const news = warnings.find((warning) => !knownWarnings.includes(warning));
    if (news !== undefined) throw new SluiceError("IO_FAILED", news);
    return clientOptions(options).password;
  };
  return keepingLast(() => read()?.reveal());
}

/** Reads at once, so that a missing file is told at the start; later a file that went bad keeps the last word. */
export function keepingLast<T>(read: () => T): () => T {
  let last = read();
  return () => {
    try {
      last = read();
    } catch {
      // no longer readable: privileges dropped, or half-edited
    }
    return last;
  };
}

/** The first line of a password file. Throws IO_FAILED where there is none, CONFIG_INVALID where everybody may read it. */
export function readPasswordFile(path: string, files: FileAccess): Secret {
  const file = files.read(path);
  if (file === undefined) throw new SluiceError("IO_FAILED", `the password file ${path} does not exist`);
  if ((file.mode & 0o007) !== 0) {
    throw new SluiceError(
      "CONFIG_INVALID",
      `the password file ${path} is open to every user: chmod o-rwx ${path}`,
    );
  }
  return new Secret(file.text.split("\n", 1)[0]?.replace(/\r$/, "") ?? "");
}

function resolveTls(
  flags: ConnectionFlags,
  client: ClientTls | undefined,
  files: FileAccess,
): TlsOptions | undefined {
  const hasFlags = [flags.sslCa, flags.sslCert, flags.sslKey].some((flag) => nonEmpty(flag) !== undefined);
  if (flags.ssl === false) return undefined;
  if (flags.ssl !== true && !hasFlags && flags.sslVerifyServerCert !== true && client === undefined)
    return undefined;
  const verify = flags.sslVerifyServerCert;
  const pem = (path: string | undefined): string | undefined =>
    path === undefined ? undefined : readPem(path, files);
  const ca = nonEmpty(flags.sslCa) ?? client?.ca;
  return Object.freeze({
    ca: pem(ca),
    cert: pem(nonEmpty(flags.sslCert) ?? client?.cert),
    key: pem(nonEmpty(flags.sslKey) ?? client?.key),
    // A CA that is named is meant to be used: the client checks the chain then, too.
    verifyCertificate: verify ?? client?.verifyCertificate ?? ca !== undefined,
    verifyHost: verify ?? client?.verifyHost ?? false,
    minVersion:
      client?.versions.includes("TLSv1.2") === false && client.versions.includes("TLSv1.3")
        ? "TLSv1.3"
        : undefined,
  });
}

/** The text of a certificate or key file. Throws IO_FAILED where there is none. */
export function readPem(path: string, files: FileAccess): string {
  const file = files.read(path);
  if (file === undefined)
    throw new SluiceError("IO_FAILED", `the certificate or key file ${path} does not exist`);
  return file.text;
}

function exists(path: string, files: FileAccess): boolean {
  const directory = path.slice(0, path.lastIndexOf("/"));
  const name = path.slice(directory.length + 1);
  return files.list(directory)?.some((entry) => entry.name === name) === true;
}

const isAddress = ({ name }: { readonly name: string }): boolean => name === "port" || name === "socket";
const nonEmpty = (text: string | undefined): string | undefined =>
  text === undefined || text === "" ? undefined : text;
const systemUser = (env: NodeJS.ProcessEnv): string =>
  nonEmpty(env["USER"]) ?? nonEmpty(env["LOGNAME"]) ?? "root";

function portNumber(text: string | undefined): number | undefined {
  const port = Number(text);
  return Number.isInteger(port) && port > 0 && port < 65_536 ? port : undefined;
}
