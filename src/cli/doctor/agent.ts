import { fetchServers } from "../../client/server-status.ts";
import { errorMessage } from "../../errors/sluice-error.ts";
import type { ServerSnapshot } from "../../topology/fleet.ts";
import { type Finding, isError, isOk, isWarning } from "./finding.ts";

/** Does an agent run, and does it know anything? */
export async function examineAgent(socket: string, deadlineMs: number): Promise<readonly Finding[]> {
  try {
    const servers = await fetchServers(socket, undefined, deadlineMs);
    return servers.map((server) => judgeServer(server, Date.now()));
  } catch (error) {
    return [
      isWarning(
        "agent",
        errorMessage(error),
        "start `sluice agent`, or name its directory with --runtime-dir",
      ),
    ];
  }
}

function judgeServer({ name, verdict }: ServerSnapshot, now: number): Finding {
  const subject = `agent, ${name}`;
  if (!verdict.known) return isWarning(subject, "no probe has ended yet", "wait a moment and run this again");
  if (verdict.staleAt < now) return isError(subject, verdict.sentence, "see the agent's log; restart it");
  const word = verdict.up ? "up" : verdict.draining ? "draining" : "down";
  return isOk(subject, `it runs, and knows that the server is ${word}: ${verdict.sentence}`);
}
