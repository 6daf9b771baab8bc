import { SluiceError } from "../../errors/sluice-error.ts";
import type { Observation } from "../../topology/observation.ts";
import type { Verdict } from "../../topology/verdict.ts";
import { found, type Route } from "../http/route.ts";
import { eventResource } from "./events.ts";

const LAST_EVENTS = 10;

/** Why a server is judged as it is: each rule with what it saw, the observation behind it, and what happened lately. */
export const EXPLAIN_ROUTES: readonly Route[] = [
  {
    method: "GET",
    path: "/v1/explain/:name",
    summary: "Why a server is in the state it is in.",
    access: "read",
    answer: "document",
    handle: ({ params, make }, { control, clock }) => {
      const name = params["name"] ?? "";
      if (!control.configuration().servers.has(name)) {
        throw new SluiceError("NOT_FOUND", `there is no server called ${name}`);
      }
      const status = control.servers().get(name);
      const events = control.events().filter(({ server }) => server === name);
      const attributes = {
        state: status?.state ?? "Down",
        details: status?.details ?? "It is not watched: no monitor has it.",
        verdict: status === undefined ? null : verdictDocument(status.verdict, clock.now()),
        events: events.slice(-LAST_EVENTS).map((event) => eventResource(event, make).attributes),
      };
      const data = make.resource(`explain/${encodeURIComponent(name)}`, "explanations", attributes);
      return found({ data, links: data.links });
    },
  },
];

function verdictDocument(verdict: Verdict, now: number): Readonly<Record<string, unknown>> {
  const { up, code, sentence, role, draining, profile, known, rules, observation } = verdict;
  return {
    up,
    code,
    sentence,
    role,
    draining,
    profile,
    known,
    since: new Date(verdict.since).toISOString(),
    age_ms: Math.max(0, now - verdict.at),
    is_stale: now > verdict.staleAt,
    rules,
    observation: observation === undefined ? null : observationDocument(observation),
  };
}

function observationDocument(observation: Observation): Readonly<Record<string, unknown>> {
  const { at, tookMs } = observation;
  const common = { at: new Date(at).toISOString(), took_ms: tookMs };
  return observation.reached
    ? { ...common, reached: true, facts: observation.facts }
    : { ...common, reached: false, failure: observation.failure };
}
