import type { ConnectionFlags } from "../../../config/connection.ts";
import { REAL_FILES } from "../../../config/file-access.ts";
import { HEALTH } from "../../../config/schema/health.ts";
import { SluiceError } from "../../../errors/sluice-error.ts";
import type { GateArguments } from "./options.ts";

const USUAL_FILE = "/etc/my.cnf";

/** How the server is reached: flags, and an environment that holds the password. Empty ones are left to the option files. */
export function connectionOf(
  args: GateArguments,
  env: NodeJS.ProcessEnv,
): { readonly flags: ConnectionFlags; readonly env: NodeJS.ProcessEnv } {
  const file = args.defaultsExtraFile ?? USUAL_FILE;
  // The script does without the usual file where there is none; one that was asked for must be there.
  const isThere = args.defaultsExtraFile !== undefined || REAL_FILES.read(file) !== undefined;
  return {
    flags: { user: args.user, defaultsExtraFile: isThere ? file : undefined },
    env: args.password === "" ? env : { ...env, SLUICE_PASSWORD: args.password },
  };
}

/** What the script's variables say of the policy, as parameters of a monitor. Throws USAGE. */
export function policyParameters(env: NodeJS.ProcessEnv) {
  const donor = env["AVAILABLE_WHEN_DONOR"] || "nonblocking";
  const readOnly = env["AVAILABLE_WHEN_READONLY"] || "false";
  return {
    availableWhenDonor: parsed("AVAILABLE_WHEN_DONOR", HEALTH.available_when_donor, donor),
    availableWhenReadonly: parsed("AVAILABLE_WHEN_READONLY", HEALTH.available_when_readonly, readOnly),
  };
}

function parsed<T>(
  name: string,
  { type }: { readonly type: { readonly expected: string; parse(text: string): Parsed<T> } },
  text: string,
): T {
  const found = type.parse(text);
  if (found.ok) return found.value;
  throw new SluiceError("USAGE", `${name}=${text.slice(0, 40)} is ${found.wrong}; expected ${type.expected}`);
}

type Parsed<T> = { readonly ok: true; readonly value: T } | { readonly ok: false; readonly wrong: string };
