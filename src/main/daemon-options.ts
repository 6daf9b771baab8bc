import { option, optionOrSwitch } from "../cli/command.ts";
import { oneOf } from "../config/values/choice.ts";
import { text } from "../config/values/text.ts";

const file = text("a file");

/** What `sluice agent` and `sluice run` have in common. */
export const DAEMON_OPTIONS = {
  "runtime-dir": option("dir", text("a directory"), "directory of agent.sock and control.sock"),
  "pid-file": option("file", file, "write the process number here"),
  "run-as": option(
    "user[:group]",
    text("a user, or user:group"),
    "give up root for this user once the ports are open",
  ),
  "log-file": option("file", file, "log here instead of to standard error; reopened on SIGHUP"),
  "log-format": option(
    "format",
    oneOf(["auto", "text", "json"]),
    "text, json, or auto: text on a terminal (default: auto)",
  ),
  check: optionOrSwitch(
    "servers",
    oneOf(["servers"]),
    "only look whether it could run so, say what speaks against it, and end; with `servers`: ask them, too, and tell which are down",
  ),
} as const;
