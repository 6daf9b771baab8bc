import { existsSync } from "node:fs";
import { fetchServers } from "../client/server-status.ts";
import { type ConnectionFlags, resolveConnection } from "../config/connection.ts";
import { REAL_FILES } from "../config/file-access.ts";
import { SluiceError } from "../errors/sluice-error.ts";
import type { DatabaseTarget } from "../probe/database/target.ts";
import { questionsOf } from "../probe/probe.ts";
import { SYSTEM_CLOCK } from "../telemetry/clock.ts";
import { formatEndpoint } from "../topology/endpoint.ts";
import type { ServerSnapshot } from "../topology/fleet.ts";
import type { Verdict } from "../topology/verdict.ts";
import { initialState, judge } from "../verdict/judge.ts";
import type { Policy } from "../verdict/policy.ts";

/** One question to whoever knows: the agent if it can answer, else the server itself. */
export interface Question {
  /** The agent's socket; undefined: the agent is not asked. */
  readonly agentSocket: string | undefined;
  /** The name of a server that the agent watches: then only the agent can answer. */
  readonly server: string | undefined;
  /** The agent's answer counts only for the server that the connection leads to. */
  readonly mustMatch: boolean;
  readonly connection: ConnectionFlags;
  readonly env: NodeJS.ProcessEnv;
  /** Judges what the server itself says. */
  readonly policy: Policy;
  /** Judges by another policy what the agent has seen; undefined if that does not suffice. By default the agent's word stands. */
  readonly rejudge?: (seen: ServerSnapshot) => Verdict | undefined;
  /** Files that force the server out, where it is asked itself. The agent has its own. */
  readonly offSwitchFiles: readonly string[];
  /** For everything together, counted from the start of the process, ms. */
  readonly deadlineMs: number;
}

export interface Asked {
  readonly snapshot: ServerSnapshot;
  readonly source: "agent" | "server";
}

// An agent that runs answers within a millisecond. One that hangs must leave most of the time to the server itself.
const AGENT_MS = 250;
// Judging, printing and the farewell to the server.
const REPORT_MS = 20;

/** Never takes longer than the deadline. Rejects only for what is wrong with the question itself. */
export async function askVerdict(question: Question): Promise<Asked> {
  const fromAgent =
    question.agentSocket === undefined ? undefined : await askAgent(question, question.agentSocket);
  if (fromAgent !== undefined) return { snapshot: fromAgent, source: "agent" };
  return { snapshot: await askServer(question), source: "server" };
}

async function askAgent(question: Question, socket: string): Promise<ServerSnapshot | undefined> {
  const { server, rejudge } = question;
  const all = await fetchServers(
    socket,
    server,
    Math.min(AGENT_MS, Math.floor(question.deadlineMs / 3)),
  ).catch((error: unknown) => {
    if (server === undefined && error instanceof SluiceError) return [];
    throw error;
  });
  const found = server === undefined ? pick(all, question) : all[0];
  if (found === undefined) return undefined;
  const isFresh = found.verdict.known && SYSTEM_CLOCK.now() <= found.verdict.staleAt;
  if (!isFresh) return server === undefined ? undefined : found;
  if (rejudge === undefined) return found;
  const verdict = rejudge(found);
  return verdict === undefined ? undefined : { ...found, verdict };
}

function pick(
  all: readonly ServerSnapshot[],
  { mustMatch, connection, env }: Question,
): ServerSnapshot | undefined {
  if (!mustMatch && all.length === 1) return all[0];
  if (all.length === 0) return undefined;
  const wanted = formatEndpoint(resolveConnection(connection, env, REAL_FILES).target.endpoint);
  return all.find(({ endpoint }) => formatEndpoint(endpoint) === wanted);
}

async function askServer({
  connection,
  env,
  policy,
  offSwitchFiles,
  deadlineMs,
}: Question): Promise<ServerSnapshot> {
  const { target } = resolveConnection(connection, env, REAL_FILES);
  const left = Math.max(REPORT_MS, Math.floor(deadlineMs - performance.now() - REPORT_MS));
  const overlay = { admin: "none", offSwitch: offSwitchFiles.find((file) => existsSync(file)) } as const;
  const observation = await observe(target, policy, left);
  const now = SYSTEM_CLOCK.now();
  const { verdict } = judge(initialState(policy, now), observation, overlay, policy, now);
  return { name: formatEndpoint(target.endpoint), endpoint: target.endpoint, verdict, admin: "none" };
}

/** Loads the database library, which is most of the cost, only here. */
async function observe(target: DatabaseTarget, policy: Policy, deadlineMs: number) {
  const { DatabaseProbe } = await import("../probe/database/database-probe.ts");
  const probe = new DatabaseProbe(target, questionsOf(policy.profile), SYSTEM_CLOCK);
  try {
    return await probe.ask(deadlineMs);
  } finally {
    await probe.close();
  }
}
