import { connect, type NetConnectOpts, type Socket } from "node:net";
import { eventually } from "../eventually.ts";

/** A TCP or unix-socket client that a test drives byte by byte, and that remembers how its connection ended. */
export class RawClient {
  readonly socket: Socket;
  received = "";
  /** The other side has closed its half. */
  hasEnded = false;
  isClosed = false;
  /** ECONNRESET and the like. */
  errorCode: string | undefined;

  constructor(target: NetConnectOpts) {
    this.socket = connect({ ...target, allowHalfOpen: true });
    this.socket.on("data", (chunk: Buffer) => {
      this.received += chunk.toString("latin1");
    });
    this.socket.on("end", () => {
      this.hasEnded = true;
    });
    this.socket.on("error", (error: Error & { code?: string }) => {
      this.errorCode = error.code ?? error.message;
    });
    this.socket.on("close", () => {
      this.isClosed = true;
    });
  }

  static async open(target: NetConnectOpts): Promise<RawClient> {
    const client = new RawClient(target);
    await eventually(() => !client.socket.connecting, { what: "connected" });
    return client;
  }

  send(bytes: string | Buffer): void {
    this.socket.write(bytes);
  }

  /** Waits for the other side to close its half, or the whole; returns what came. */
  async untilEnd(): Promise<string> {
    await eventually(() => this.hasEnded || this.isClosed, { what: "the end of the answer" });
    return this.received;
  }

  async untilReceived(text: string): Promise<string> {
    await eventually(
      () => {
        if (!this.received.includes(text)) throw new Error(`received ${JSON.stringify(this.received)}`);
        return true;
      },
      { what: `to receive ${JSON.stringify(text)}` },
    );
    return this.received;
  }

  close(): void {
    this.socket.destroy();
  }
}

/** Sends `bytes`, and returns all that comes until the other side closes its half. */
export async function exchange(target: NetConnectOpts, bytes: string | Buffer): Promise<string> {
  const client = await RawClient.open(target);
  client.send(bytes);
  try {
    return await client.untilEnd();
  } finally {
    client.close();
  }
}
