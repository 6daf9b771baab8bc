import { connect } from "node:net";

const EVERY_MS = 20;
const PATIENCE_MS = 1000;
const DEADLINE_MS = 60_000;

/**
 * Does something to who holds the address, and resolves to how long clients are without it, ms: until the first one that connects
 * after the fault is greeted by a server. One tries every 20 ms, and none waits for another.
 */
export async function outage(address: string, port: number, fault: () => Promise<void>): Promise<number> {
  await firstGreeting(address, port);
  const begun = performance.now();
  await fault();
  await firstGreeting(address, port);
  return performance.now() - begun;
}

function firstGreeting(address: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const end = (settle: () => void) => (): void => {
      clearInterval(tries);
      clearTimeout(deadline);
      settle();
    };
    const attempt = (): void => {
      const socket = connect({ host: address, port, noDelay: true });
      socket.setTimeout(PATIENCE_MS, () => socket.destroy());
      socket.on("error", () => {}); // another one is under way
      socket.once("data", () => {
        socket.destroy();
        succeed();
      });
    };
    const succeed = end(resolve);
    const fail = end(() => reject(new Error(`nobody answers on ${address}:${port} for ${DEADLINE_MS} ms`)));
    const tries = setInterval(attempt, EVERY_MS);
    const deadline = setTimeout(fail, DEADLINE_MS);
    attempt();
  });
}
