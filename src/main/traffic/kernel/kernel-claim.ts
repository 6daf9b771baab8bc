import { createServer, type Server } from "node:net";
import { SluiceError } from "../../../errors/sluice-error.ts";
import { listenOnce } from "../../../publish/tcp/listen.ts";

/** That this process, and no other of this host, has the table of nftables. */
export class KernelClaim {
  #server: Server | undefined;

  /**
   * The claim is a name of the kernel's (an abstract socket), which ends with the process and is as wide as the firewall: one
   * network namespace. Throws ADDRESS_IN_USE.
   */
  async take(): Promise<void> {
    if (this.#server !== undefined) return;
    const server = createServer((socket) => socket.destroy());
    try {
      await listenOnce(server, { path: "\0sluice-balance" });
    } catch (error) {
      const words =
        "another process of Sluice has services with dataplane=kernel on this host: put these into its configuration";
      throw new SluiceError("ADDRESS_IN_USE", words, { cause: error });
    }
    this.#server = server;
  }

  release(): void {
    this.#server?.close();
    this.#server = undefined;
  }
}
