import { connect } from "node:net";

const DEADLINE_MS = 20_000;
const PAUSE_MS = 0.5;

/** Tries a port again and again; resolves to how long it takes until it accepts connections, or refuses them, ms. */
export async function untilPort(isOpen: boolean, address: string, port: number): Promise<number> {
  const begun = performance.now();
  while ((await accepts(address, port)) !== isOpen) {
    if (performance.now() - begun > DEADLINE_MS)
      throw new Error(`port ${port} is not ${isOpen ? "open" : "closed"} after ${DEADLINE_MS} ms`);
    await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
  }
  return performance.now() - begun;
}

function accepts(address: string, port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host: address, port, noDelay: true });
    const end = (answer: boolean) => (): void => {
      socket.destroy();
      resolve(answer);
    };
    socket.once("connect", end(true));
    socket.once("error", end(false));
  });
}
