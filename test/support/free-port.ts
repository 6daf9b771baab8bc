import { createServer } from "node:net";

/** Below those that the kernel gives to outgoing connections, from 32768 on: what is free here stays free. */
const FIRST = 20_000;
const COUNT = 12_000;

/** A port on which nobody listens, on any address, and that nobody else gets by chance. */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = FIRST + Math.floor(Math.random() * COUNT);
    if (await isFree(port)) return port;
  }
}

function isFree(port: number): Promise<boolean> {
  const server = createServer();
  return new Promise((resolve) => {
    server.once("error", () => resolve(false));
    server.listen(port, () => server.close(() => resolve(true)));
  });
}
