import { catalogueEntry } from "../errors/catalogue.ts";
import { formatEndpoint } from "../topology/endpoint.ts";
import type { ServerFacts } from "../topology/facts.ts";
import type { ServerSnapshot } from "../topology/fleet.ts";
import type { RuleTrace, Verdict } from "../topology/verdict.ts";
import { freshVerdict } from "./endpoint.ts";
import { wholeSpan } from "./whole-span.ts";

/** Why a server is judged as it is, for a person: the verdict, what was seen, and each rule in order. `now`: ms since 1970. */
export function explanation({ name, endpoint, verdict, admin }: ServerSnapshot, now: number): string {
  const fresh = freshVerdict(verdict, now);
  const word = fresh.up ? "up" : fresh.draining ? "draining" : "down";
  const address = formatEndpoint(endpoint);
  const { remedy } = catalogueEntry(fresh.code);
  const lines = [
    `${name === address ? name : `${name} (${address})`} is ${word}: ${fresh.sentence}`,
    "",
    ...table([
      ["code", fresh.code],
      ["role", fresh.role],
      ["profile", fresh.profile],
      ["since", `${span(now - fresh.since)} (${new Date(fresh.since).toISOString()})`],
      ["judged", judged(verdict, now)],
      ["by a person", admin === "none" ? "nothing" : admin],
      ["what to do", fresh.up ? "" : remedy],
    ]),
    "",
    "Seen:",
    ...table(observed(verdict)).map(indented),
    "",
    "Rules, in order; the first that decides ends it:",
    ...verdict.rules.map(ruleLine),
  ];
  return `${lines.join("\n")}\n`;
}

function judged({ known, at, staleAt }: Verdict, now: number): string {
  if (!known) return "not yet";
  const left = staleAt - now;
  if (left === Number.POSITIVE_INFINITY) return `${span(now - at)} ago`;
  return `${span(now - at)} ago, ${left >= 0 ? `believed for ${span(left)} more` : `stale for ${span(-left)}`}`;
}

type Fact = readonly [name: string, value: string | number | boolean | undefined];

function observed({ observation }: Verdict): readonly Fact[] {
  if (observation === undefined) return [["nothing", "no probe has ended yet"]];
  const took: Fact = ["took", `${observation.tookMs.toFixed(1)} ms`];
  if (!observation.reached) {
    const { code, detail, errno } = observation.failure;
    return [["failure", `${code}: ${detail}`], ["server's error number", errno], took];
  }
  const { facts } = observation;
  return [...serverFacts(facts), ...galeraFacts(facts), ...channelFacts(facts), took];
}

function serverFacts(facts: ServerFacts): readonly Fact[] {
  const { readOnly } = facts;
  const flags = Object.entries({
    read_only: readOnly.readOnly,
    super_read_only: readOnly.superReadOnly,
    innodb_read_only: readOnly.innodbReadOnly,
    offline_mode: readOnly.offlineMode,
  }).filter(([, isOn]) => isOn);
  return [
    ["version", `${facts.version} (${facts.flavour})`],
    ["hostname", facts.hostname],
    ["uptime", facts.uptimeSeconds === undefined ? undefined : span(facts.uptimeSeconds * 1000)],
    ["read-only", flags.length === 0 ? "no" : `${flags.map(([flag]) => flag).join(", ")} ON`],
  ];
}

function galeraFacts({ galera }: ServerFacts): readonly Fact[] {
  if (!galera?.wsrepOn) return [];
  return [
    ["wsrep_cluster_status", `${galera.clusterStatus || "(empty)"}, ${galera.clusterSize ?? "?"} nodes`],
    ["wsrep_local_state", `${galera.localState} (${galera.localStateComment})`],
    ["wsrep_ready", galera.ready],
    ["wsrep_reject_queries", galera.rejectQueries],
    ["wsrep_desync", galera.desync],
    ["wsrep_local_recv_queue", galera.recvQueue],
    ["wsrep_flow_control_paused", galera.flowControlPaused],
    ["wsrep_sst_method", galera.sstMethod],
    ["wsrep_node_name", galera.nodeName],
    ["pxc_maint_mode", galera.pxcMaintMode],
  ];
}

function channelFacts({ channels }: ServerFacts): readonly Fact[] {
  if (channels === "denied") return [["replication", "the account may not ask (sluice grants)"]];
  if (channels === "not-asked") return [];
  return channels.map((c): Fact => {
    const source = `${c.sourceHost}:${c.sourcePort}`;
    const lag = c.lagSeconds === undefined ? "lag unknown" : `${c.lagSeconds} s behind`;
    return [`replicates ${c.name}`.trim(), `from ${source}, IO ${c.ioRunning}, SQL ${c.sqlRunning}, ${lag}`];
  });
}

function table(facts: readonly Fact[]): readonly string[] {
  const known = facts.filter(([, value]) => value !== undefined && value !== "");
  const width = Math.max(...known.map(([name]) => name.length));
  return known.map(([name, value]) => `${name.padEnd(width)}  ${onOff(value)}`);
}

const onOff = (value: Fact[1]): string =>
  typeof value === "boolean" ? (value ? "ON" : "OFF") : String(value);
const indented = (line: string): string => `  ${line}`;

function ruleLine({ rule, saw, outcome }: RuleTrace, index: number): string {
  const mark = outcome === "decides" ? "=>" : outcome === "pass" ? "ok" : "  ";
  const what = outcome === "not reached" ? "not reached" : saw;
  return `  ${mark} ${String(index + 1).padStart(2)}. ${rule}: ${what}`;
}

/** `2.4 s`, `90 s`, `3 min`, `5 h`, `3 days`: tenths where the moment counts. */
const span = (ms: number): string => {
  const seconds = Math.max(0, ms) / 1000;
  return seconds < 10 ? `${seconds.toFixed(1)} s` : wholeSpan(seconds);
};
