import { createServer, type Server } from "node:net";
import { SluiceError } from "../../errors/sluice-error.ts";
import { tcpListeners } from "../../system/tcp-listeners.ts";
import { listenOnce } from "../tcp/listen.ts";

/** That this process, and no other of this host, keeps the gate of a port. */
export class GateClaim {
  readonly #server: Server = createServer((socket) => socket.destroy());

  /**
   * Claims a port. The claim is a name of the kernel's (an abstract socket), which ends with the process and is as wide as
   * the firewall: one network namespace.
   * @throws SluiceError ADDRESS_IN_USE: another gate has it, or a program listens there
   */
  async take(mirrorPort: number): Promise<void> {
    const [listener] = tcpListeners(mirrorPort);
    if (listener !== undefined) {
      const who =
        listener.program === undefined ? "another program" : `${listener.program} (process ${listener.pid})`;
      throw new SluiceError(
        "ADDRESS_IN_USE",
        `${who} listens on the mirror port ${mirrorPort}: choose a port that nobody uses`,
      );
    }
    try {
      await listenOnce(this.#server, { path: `\0sluice-gate-${mirrorPort}` });
    } catch (error) {
      const words = `another process of Sluice keeps the gate of port ${mirrorPort}`;
      throw new SluiceError("ADDRESS_IN_USE", words, { cause: error });
    }
  }

  release(): void {
    this.#server.close();
  }
}
