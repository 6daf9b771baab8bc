import type { Verdict } from "../topology/verdict.ts";
import { type EndpointAnswer, worstLagSeconds } from "../verdict/endpoint.ts";

export const NAGIOS_UNKNOWN = 3;

const WORDS = ["OK", "WARNING", "CRITICAL", "UNKNOWN"] as const;

// Out of service because somebody wanted it so: worth a look, but nobody has to get up at night.
const BY_HAND: ReadonlySet<string> = new Set([
  "MAINTENANCE",
  "DRAINING",
  "OFF_SWITCH",
  "GALERA_PXC_MAINTENANCE",
]);

/** 0 OK, 1 warning, 2 critical, 3 unknown: nothing is known of the server, good or bad. */
export function nagiosStatus(answer: EndpointAnswer, verdict: Verdict): 0 | 1 | 2 | 3 {
  if (answer.up) return 0;
  if (!verdict.known || answer.code === "STALE") return NAGIOS_UNKNOWN;
  return answer.draining || BY_HAND.has(answer.code) ? 1 : 2;
}

/** One line of a plugin's output, with its performance data. `now`: ms since 1970. */
export function nagiosLine(answer: EndpointAnswer, verdict: Verdict, now: number): string {
  const sentence = `${answer.code}: ${answer.sentence}`.replace(/[|\r\n]+/g, " ");
  return `SLUICE ${WORDS[nagiosStatus(answer, verdict)]} - ${sentence} | ${performanceData(answer, verdict, now)}\n`;
}

function performanceData(answer: EndpointAnswer, verdict: Verdict, now: number): string {
  const { observation } = verdict;
  const seen = observation?.reached === true ? observation.facts.galera : undefined;
  const galera = seen?.wsrepOn ? seen : undefined;
  const data: readonly (readonly [label: string, value: string | undefined])[] = [
    ["up", answer.up ? "1" : "0"],
    ["age", `${(Math.max(0, now - verdict.at) / 1000).toFixed(3)}s`],
    ["took", observation && `${(observation.tookMs / 1000).toFixed(6)}s`],
    ["lag", seconds(worstLagSeconds(verdict))],
    ["recv_queue", galera?.recvQueue.toString()],
    ["cluster_size", galera?.clusterSize?.toString()],
  ];
  return data.flatMap(([label, value]) => (value === undefined ? [] : [`${label}=${value}`])).join(" ");
}

const seconds = (value: number | undefined): string | undefined =>
  value === undefined ? undefined : `${value}s`;
