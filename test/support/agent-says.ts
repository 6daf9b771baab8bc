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
  /** ms */
  readonly within?: number;
}

/** Waits for one of the codes and returns the whole status; the HTTP status of `/` must agree with it. */
export async function agentSays(
  host: Host,
  code: string | readonly string[],
  { within = 15_000, ...where }: Patience = {},
): Promise<AgentStatus> {
  const wanted = [code].flat();
  const status = await eventually(
    async () => {
      const found = JSON.parse((await host.http("/status", where)).body) as AgentStatus;
      if (!wanted.includes(found.code)) throw new Error(`${found.code}: ${found.sentence}`);
      return found;
    },
    { within, what: `${host.name}:${where.port ?? 9200} ${wanted.join(" or ")}` },
  );
  expect((await host.http("/", where)).status).toBe(status.up ? 200 : 503);
  return status;
}
