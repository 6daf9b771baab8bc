import { catalogueEntry } from "../../errors/catalogue.ts";
import { errorMessage } from "../../errors/sluice-error.ts";
import { DatabaseProbe } from "../../probe/database/database-probe.ts";
import { onOneSession } from "../../probe/database/one-session.ts";
import type { Row } from "../../probe/database/session.ts";
import type { DatabaseTarget } from "../../probe/database/target.ts";
import { questionsOf } from "../../probe/probe.ts";
import { SYSTEM_CLOCK } from "../../telemetry/clock.ts";
import { formatEndpoint } from "../../topology/endpoint.ts";
import type { Observation } from "../../topology/observation.ts";
import type { Policy } from "../../verdict/policy.ts";
import { type Finding, isError, isOk, isSkipped, isWarning } from "./finding.ts";

const SHOW_LIMITS = "SHOW GLOBAL VARIABLES WHERE Variable_name IN ('max_connect_errors')";
// The server's default; each balancer that opens and drops connections counts against it.
const FEW_CONNECT_ERRORS = 100;

/** Does the login work, may the account ask what the profile needs and not much more, and how easily is this host blocked? */
export async function examineAccount(
  target: DatabaseTarget,
  profile: Policy["profile"],
  deadlineMs: number,
): Promise<readonly Finding[]> {
  const where = formatEndpoint(target.endpoint);
  const probe = new DatabaseProbe(target, questionsOf(profile), SYSTEM_CLOCK);
  const observation = await probe.ask(deadlineMs);
  await probe.close();
  const findings = judgeObservation(observation, profile, `${target.user} on ${where}`);
  if (!observation.reached || profile === "connector") return findings;
  return [...findings, ...(await examineLimits(target, deadlineMs))];
}

export function judgeObservation(
  observation: Observation,
  profile: Policy["profile"],
  who: string,
): readonly Finding[] {
  if (!observation.reached) {
    const { code, detail } = observation.failure;
    return [isError("account", `${code}: ${detail}`, catalogueEntry(code).remedy)];
  }
  const { facts, tookMs } = observation;
  const login = isOk(
    "account",
    `${who} logs in and is answered in ${tookMs.toFixed(0)} ms, by ${facts.version}`,
  );
  if (facts.channels !== "denied") return [login];
  const sentence = "the account may not ask whether the server replicates";
  const remedy = "`sluice grants` prints the SQL";
  return [
    login,
    profile === "replica"
      ? isError("privileges", sentence, remedy)
      : isWarning("privileges", sentence, remedy),
  ];
}

async function examineLimits(target: DatabaseTarget, deadlineMs: number): Promise<readonly Finding[]> {
  try {
    return await onOneSession(target, deadlineMs, async (session) => [
      ...judgeConnectErrors(await session.query(SHOW_LIMITS)),
      ...judgeGrants(await session.query("SHOW GRANTS")),
    ]);
  } catch (error) {
    return [isSkipped("limits", `the server's limits could not be asked: ${errorMessage(error)}`)];
  }
}

export function judgeConnectErrors(rows: readonly Row[]): readonly Finding[] {
  const row = rows.find(({ Variable_name: name }) => String(name).toLowerCase() === "max_connect_errors");
  const limit = Number(row?.["Value"]);
  if (!Number.isFinite(limit)) return [];
  if (limit > FEW_CONNECT_ERRORS) return [isOk("max_connect_errors", `${limit}`)];
  return [
    isWarning(
      "max_connect_errors",
      `the server blocks a host after ${limit} broken connections in a row, and balancers break many`,
      "SET GLOBAL max_connect_errors = 1000000, also in the server's my.cnf",
    ),
  ];
}

export function judgeGrants(rows: readonly Row[]): readonly Finding[] {
  const grants = rows.map((row) => String(Object.values(row)[0]));
  const wide = grants.some((grant) => /^GRANT (ALL PRIVILEGES|.*\bSUPER\b.*) ON \*\.\*/i.test(grant));
  if (!wide) return [isOk("privileges", "the account has no more than a check should have")];
  return [
    isWarning(
      "privileges",
      "the account may do everything: who reads its password owns the server",
      "`sluice grants` prints the SQL of an account that may only look",
    ),
  ];
}
