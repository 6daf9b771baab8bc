import { duration } from "../config/values/duration.ts";
import { text } from "../config/values/text.ts";
import { runtimePaths } from "../system/runtime-paths.ts";
import { type Asked, askVerdict } from "./ask-verdict.ts";
import { type OptionValues, option, toggle } from "./command.ts";
import { CONNECTION_OPTIONS, connectionFlags, namesServer } from "./connection-options.ts";
import { DISABLE_FILES_OPTION, disableFiles, hasPolicy, POLICY_OPTIONS, policyOf } from "./policy-options.ts";
import { rejudge } from "./rejudge.ts";

/** What every command that asks once about one server takes. @param byDefault the deadline, as help tells it */
export const askOptions = (byDefault: string) =>
  ({
    timeout: option(
      "duration",
      duration({ bare: "s", minMs: 50, maxMs: 60_000 }),
      `for everything together (default: ${byDefault})`,
    ),
    server: option(
      "name",
      text("a name"),
      "the server of this name in the agent; only the agent can answer then",
    ),
    "no-agent": toggle("ask the server itself, also where an agent runs"),
    "runtime-dir": option("dir", text("a directory"), "directory of the agent's socket"),
    ...CONNECTION_OPTIONS,
    ...POLICY_OPTIONS,
    "disable-files": DISABLE_FILES_OPTION,
  }) as const;

type AskValues = OptionValues<ReturnType<typeof askOptions>>;

/** Asks as the options say. @param defaultMs the deadline where they name none */
export async function askAsGiven(values: AskValues, defaultMs: number): Promise<Asked> {
  const { env } = process;
  const deadlineMs = values.timeout ?? defaultMs;
  const connection = connectionFlags(values);
  const policy = policyOf(values, deadlineMs);
  return await askVerdict({
    agentSocket: values["no-agent"] ? undefined : runtimePaths(values["runtime-dir"], env).agentSocket,
    server: values.server,
    mustMatch: namesServer(connection),
    connection,
    env,
    policy,
    ...(hasPolicy(values) && { rejudge: (seen) => rejudge(seen, policy) }),
    offSwitchFiles: disableFiles(values["disable-files"]),
    deadlineMs,
  });
}
