import type { Socket } from "node:net";
import { formatEndpoint } from "../../topology/endpoint.ts";
import { classifyFailure, deadlineFailure, type Step } from "./failure.ts";
import { DatabaseSession } from "./session.ts";
import type { DatabaseTarget } from "./target.ts";

const FAREWELL_MS = 200;

/** Does something on a connection of its own, within the deadline. Rejects with one sentence that names the server. */
export async function onOneSession<T>(
  target: DatabaseTarget,
  deadlineMs: number,
  work: (session: DatabaseSession) => Promise<T>,
): Promise<T> {
  const where = formatEndpoint(target.endpoint);
  let step: Step = "connect";
  let socket: Socket | undefined;
  let isLate = false;
  const timer = setTimeout(() => {
    isLate = true;
    socket?.destroy();
  }, deadlineMs);
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
    const result = await work(session);
    await session.quit(FAREWELL_MS);
    return result;
  } catch (error) {
    socket?.destroy();
    const failure = isLate ? deadlineFailure(step, where, deadlineMs) : classifyFailure(error, step, where);
    throw new Error(failure.detail, { cause: error });
  } finally {
    clearTimeout(timer);
  }
}
