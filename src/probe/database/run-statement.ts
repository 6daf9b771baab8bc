import type { Socket } from "node:net";
import { formatEndpoint } from "../../topology/endpoint.ts";
import { classifyFailure, type Step } from "./failure.ts";
import { DatabaseSession } from "./session.ts";
import type { DatabaseTarget } from "./target.ts";

/** Runs one statement on a connection of its own, within the deadline. Rejects with one sentence that names the server. */
export async function runStatement(target: DatabaseTarget, sql: string, deadlineMs: number): Promise<void> {
  let step: Step = "connect";
  let socket: Socket | undefined;
  const where = formatEndpoint(target.endpoint);
  const timer = setTimeout(() => socket?.destroy(new Error(`nothing within ${deadlineMs} ms`)), deadlineMs);
  try {
    const session = await DatabaseSession.open(
      target,
      (opened) => {
        socket = opened;
      },
      (reached) => {
        step = reached;
      },
    );
    step = "query";
    await session.query(sql);
    await session.quit(200);
  } catch (error) {
    socket?.destroy();
    throw new Error(classifyFailure(error, step, where).detail, { cause: error });
  } finally {
    clearTimeout(timer);
  }
}
