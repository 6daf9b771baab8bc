import { flag } from "../../config/values/choice.ts";
import { duration } from "../../config/values/duration.ts";
import { text } from "../../config/values/text.ts";
import { type OptionTable, type OptionValues, option, toggle } from "../command.ts";

const file = text("a file");

/** Which daemons, who asks, and how the answer looks: every action of the fleet takes these. */
export const FLEET_OPTIONS = {
  hosts: option(
    "hosts",
    text("HOST:PORT, with commas between"),
    "daemons: HOST:PORT, https://HOST:PORT or a socket's path, with commas between; a read asks the first that answers, a change is made on all (default: the socket of this host, then 127.0.0.1:8989)",
  ),
  user: option("name", text("an account"), "account of the REST API; its password is asked for"),
  "password-file": option(
    "file",
    file,
    "file of mode 0600 whose first line is the password; -: standard input",
  ),
  "token-file": option("file", file, "file of mode 0600 with a token of /v1/auth, instead of a password"),
  config: option(
    "file",
    file,
    "option file of mode 0600 (default: ~/.sluice.cnf, else ~/.maxctrl.cnf): [sluice] hosts, user, password …",
  ),
  timeout: option(
    "duration",
    duration({ bare: "ms", minMs: 50, maxMs: 600_000 }),
    "for each request (default: 10s); a bare number is milliseconds, as for maxctrl",
  ),
  secure: toggle("https, also where --hosts does not say so"),
  "tls-ca-cert": option(
    "file",
    file,
    "authorities that may have signed the daemon's certificate; means --secure",
  ),
  "tls-cert": option("file", file, "certificate to show to the daemon; means --secure"),
  "tls-key": option("file", file, "key of --tls-cert"),
  "tls-verify-server-cert": option(
    "true|false",
    flag(),
    "whether the daemon's certificate must be good (default: true)",
  ),
  json: toggle("print the JSON document"),
  tsv: toggle("print values with tabs between, without a heading"),
  quiet: toggle("print nothing: the exit code tells"),
} as const satisfies OptionTable;

export type FleetOptions = OptionValues<typeof FLEET_OPTIONS>;

/** maxctrl's letters. */
export const SHORT_OPTIONS: Readonly<Record<string, keyof typeof FLEET_OPTIONS>> = {
  h: "hosts",
  u: "user",
  c: "config",
  t: "timeout",
  s: "secure",
  n: "tls-verify-server-cert",
  q: "quiet",
};
