import type { ConnectionFlags } from "../config/connection.ts";
import { oneOf } from "../config/values/choice.ts";
import { port } from "../config/values/number.ts";
import { text } from "../config/values/text.ts";
import { type OptionValues, option, toggle } from "./command.ts";

const file = text("a file");

/** How to reach the server; the names mean what they mean to the mysql client. There is none for a password: argv is public. */
export const CONNECTION_OPTIONS = {
  host: option("host", text("a host"), "server to ask; localhost means its socket, unless --port is given"),
  port: option("port", port(), "its port"),
  socket: option("file", file, "its unix socket"),
  protocol: option("tcp|socket", oneOf(["tcp", "socket"]), "force the kind of connection"),
  user: option("user", text("a user name"), "account to log in with"),
  "password-file": option(
    "file",
    file,
    "file whose first line is the password (or $SLUICE_PASSWORD, or my.cnf)",
  ),
  "defaults-file": option("file", file, "read this option file only"),
  "defaults-extra-file": option("file", file, "read this option file besides the usual ones"),
  ssl: toggle("speak TLS to the server"),
  "no-ssl": toggle("never speak TLS to the server"),
  "ssl-ca": option("file", file, "authorities that may have signed the server's certificate"),
  "ssl-cert": option("file", file, "certificate to show to the server"),
  "ssl-key": option("file", file, "key of --ssl-cert"),
  "ssl-verify-server-cert": toggle("the server's certificate must be good and name its host"),
} as const;

type ConnectionValues = OptionValues<typeof CONNECTION_OPTIONS>;

export function connectionFlags(values: ConnectionValues): ConnectionFlags {
  return {
    host: values.host,
    port: values.port,
    socket: values.socket,
    protocol: values.protocol,
    user: values.user,
    passwordFile: values["password-file"],
    defaultsFile: values["defaults-file"],
    defaultsExtraFile: values["defaults-extra-file"],
    ssl: values["no-ssl"] ? false : values.ssl,
    sslCa: values["ssl-ca"],
    sslCert: values["ssl-cert"],
    sslKey: values["ssl-key"],
    sslVerifyServerCert: values["ssl-verify-server-cert"],
  };
}

/** Do these flags say which server is meant? An account alone does not. */
export function namesServer(flags: ConnectionFlags): boolean {
  const { host, port: ofPort, socket, protocol, defaultsFile, defaultsExtraFile } = flags;
  return [host, ofPort, socket, protocol, defaultsFile, defaultsExtraFile].some((flag) => flag !== undefined);
}
