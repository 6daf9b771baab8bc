import { catalogueEntry } from "../errors/catalogue.ts";
import { type Endpoint, formatEndpoint } from "../topology/endpoint.ts";
import type { Verdict } from "../topology/verdict.ts";
import { freshVerdict } from "./endpoint.ts";

const MARKS = { pass: "  pass   ", decides: "▶ DECIDES", "not reached": "  -      " } as const;

/** `sluice explain`: the verdict, and each rule in order with what it saw and which decided. Several lines, with one at the end. */
export function explain(name: string, endpoint: Endpoint, verdict: Verdict, now: number): string {
  const fresh = freshVerdict(verdict, now);
  const word = fresh.up ? "UP" : fresh.draining ? "DRAINING" : "DOWN";
  const { remedy } = catalogueEntry(fresh.code);
  const width = Math.max(...verdict.rules.map(({ rule }) => rule.length), 0);
  return [
    `${name} (${formatEndpoint(endpoint)}) is ${word}: ${fresh.sentence}`,
    `  code ${fresh.code}, role ${fresh.role}, profile ${fresh.profile}, for ${seconds(now - fresh.since)}, judged ${seconds(now - verdict.at)} ago`,
    ...(fresh.up || remedy === "" ? [] : [`  what to do: ${remedy}`]),
    "",
    ...verdict.rules.map(({ rule, saw, outcome }) =>
      `${MARKS[outcome]} ${rule.padEnd(width)}  ${saw}`.trimEnd(),
    ),
    "",
  ].join("\n");
}

const seconds = (ms: number): string =>
  ms < 10_000 ? `${Math.max(0, Math.round(ms))} ms` : `${Math.round(ms / 1000)} s`;
