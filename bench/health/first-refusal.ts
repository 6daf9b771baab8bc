import { connect } from "node:net";

const DEADLINE_MS = 10_000;

/**
 * Does something to the server and measures how long the health check still says yes, in ms: one keep-alive connection asks
 * again a millisecond after each answer, so that asking does not take the processor from what is measured.
 */
export function firstRefusal(address: string, fault: () => void): Promise<number> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host: address, port: 9200, noDelay: true });
    let faultAt: number | undefined;
    let yeses = 0;
    const ask = (): void => {
      socket.write("GET / HTTP/1.1\r\nHost: db1\r\n\r\n");
    };
    const timer = setTimeout(() => {
      socket.destroy();
      reject(new Error(`no 503 within ${DEADLINE_MS} ms`));
    }, DEADLINE_MS);
    socket.on("error", reject);
    socket.on("connect", ask);
    socket.on("data", (answer) => {
      const status = answer.toString("latin1", 9, 12);
      if (status === "503" && faultAt !== undefined) {
        clearTimeout(timer);
        socket.destroy();
        resolve(performance.now() - faultAt);
        return;
      }
      // The fault comes while the check is known to say yes; until then it waits for the server to be well.
      if (status === "200") yeses += 1;
      if (faultAt === undefined && yeses >= 20) {
        faultAt = performance.now();
        fault();
      }
      setTimeout(ask, 1);
    });
  });
}
