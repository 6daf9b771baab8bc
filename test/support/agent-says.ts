import { expect } from "bun:test";
import { eventually } from "../eventually.ts";
import type { Host } from "../lab/host.ts";

/** What `/status` of an agent tells of its one server. */
export interface AgentStatus {
  readonly up: boolean;
  readonly draining: boolean;
  readonly code: string;
  readonly role: string;
  readonly profile: string;
  readonly sentence: string;
}

interface Patience {
  readonly port?: number;
  readonly family?: 4 | 6;
  /** The sentence to wait for, where the same code may be told for another reason on the way. */
  readonly sentence?: RegExp;
  /** ms */
  readonly within?: number;
}

/** Waits for one of the codes and returns the whole status; the HTTP status of `/` must agree with it as long as it is told. */
export async function agentSays(
  host: Host,
  code: string | readonly string[],
  { within = 15_000, sentence = /(?:)/, ...where }: Patience = {},
): Promise<AgentStatus> {
  const wanted = [code].flat();
  const told = async (): Promise<AgentStatus> => {
    const found = JSON.parse((await host.http("/status", where)).body) as AgentStatus;
    if (wanted.includes(found.code) && sentence.test(found.sentence)) return found;
    throw new Error(`${found.code}: ${found.sentence}`);
  };
  const [status, answer] = await eventually(
    async () => {
      const before = await told();
      const answer = await host.http("/", where);
      return (await told()).code === before.code && ([before, answer] as const);
    },
    { within, what: `${host.name}:${where.port ?? 9200} ${wanted.join(" or ")}` },
  );
  expect(answer.status).toBe(status.up ? 200 : 503);
  return status;
}
