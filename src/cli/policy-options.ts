import type { Parameter } from "../config/parameter.ts";
import { HEALTH } from "../config/schema/health.ts";
import { DEFAULT_POLICY, type Policy } from "../verdict/policy.ts";
import { type Option, type OptionValues, option } from "./command.ts";

/** How the server is judged: the parameters of the configuration, by the same names. */
export const POLICY_OPTIONS = {
  profile: parameter("profile", HEALTH.profile),
  "available-when-donor": parameter("when", HEALTH.available_when_donor),
  "available-when-readonly": parameter("boolean", HEALTH.available_when_readonly),
  "max-transactions-behind": parameter("n", HEALTH.max_transactions_behind),
  "max-replication-lag": parameter("duration", HEALTH.max_replication_lag),
} as const;

/** For a server that is asked itself; the agent has its own. */
export const DISABLE_FILES_OPTION = parameter("files", HEALTH.disable_files);

/** The files given, or the default ones. */
export function disableFiles(given: readonly string[] | undefined): readonly string[] {
  const byDefault = HEALTH.disable_files.type.parse(HEALTH.disable_files.default ?? "");
  return given ?? (byDefault.ok ? byDefault.value : []);
}

type PolicyValues = OptionValues<typeof POLICY_OPTIONS>;

/** Was anything said of the policy? */
export function hasPolicy(values: PolicyValues): boolean {
  return Object.keys(POLICY_OPTIONS).some((name) => values[name as keyof PolicyValues] !== undefined);
}

/** The policy of a one-shot question: no rise, fall or grace, because there is no last time. */
export function policyOf(values: PolicyValues, staleAfterMs: number): Policy {
  return {
    ...DEFAULT_POLICY,
    profile: values.profile ?? DEFAULT_POLICY.profile,
    availableWhenDonor: values["available-when-donor"] ?? DEFAULT_POLICY.availableWhenDonor,
    availableWhenReadonly: values["available-when-readonly"] ?? DEFAULT_POLICY.availableWhenReadonly,
    maxTransactionsBehind: values["max-transactions-behind"] || undefined,
    maxReplicationLagSeconds: (values["max-replication-lag"] ?? 0) / 1000 || undefined,
    staleAfterMs,
  };
}

function parameter<T>(
  placeholder: string,
  { type, description, default: byDefault }: Parameter<T>,
): Option<T> {
  return option(
    placeholder,
    type,
    `${description}${byDefault === undefined ? "" : ` (default: ${byDefault})`}`,
  );
}
