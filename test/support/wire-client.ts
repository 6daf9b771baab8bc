import { connect, type Socket } from "node:net";
import { NATIVE_PASSWORD, nativeProof, nativeSecret } from "../../src/wire/auth/native-password.ts";
import { CLIENT, withFlags, withoutFlags } from "../../src/wire/capability.ts";
import { readGreeting } from "../../src/wire/greeting.ts";
import { writeLoginRequest } from "../../src/wire/login-request.ts";
import { framed, PacketReader } from "../../src/wire/packet.ts";

export interface WireLogin {
  readonly user: string;
  readonly password: string;
  readonly database: string;
  /** Capability flags that it does without. */
  readonly without?: number;
}

const MOST_BYTES = (1 << 24) - 1;
const EOF = 0xfe;
const ERR = 0xff;
const ANSWER_MS = 20_000;

/** A client that speaks packets: for what no driver does. Accounts need mysql_native_password. */
export class WireClient {
  readonly #socket: Socket;
  readonly #reader = new PacketReader(MOST_BYTES);
  readonly #payloads: Buffer[] = [];
  #wake: () => void = () => {};
  isClosed = false;

  static async open(host: string, port: number, login: WireLogin): Promise<WireClient> {
    const client = new WireClient(connect({ host, port }));
    const greeting = readGreeting(await client.payload());
    const wanted = [
      CLIENT.PROTOCOL_41,
      CLIENT.SECURE_CONNECTION,
      CLIENT.CONNECT_WITH_DB,
      CLIENT.PLUGIN_AUTH,
      CLIENT.TRANSACTIONS,
      CLIENT.MULTI_RESULTS,
      CLIENT.PS_MULTI_RESULTS,
      CLIENT.DEPRECATE_EOF,
    ].reduce(withFlags);
    const request = writeLoginRequest({
      capabilities: withoutFlags(wanted, login.without ?? 0),
      mariadbCapabilities: 0,
      maxPacket: MOST_BYTES,
      characterSet: 45,
      user: login.user,
      authResponse: nativeProof(nativeSecret(Buffer.from(login.password)), greeting.scramble),
      database: login.database,
      plugin: NATIVE_PASSWORD,
      attributes: Buffer.alloc(0),
    });
    client.send(request, 1);
    const answer = await client.payload();
    if (answer[0] !== 0) throw new Error(`login: ${answer.toString("latin1")}`);
    return client;
  }

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.on("data", (chunk: Buffer) => {
      this.#reader.feed(chunk);
      for (let packet = this.#reader.next(); packet !== undefined; packet = this.#reader.next())
        this.#payloads.push(packet.payload);
      this.#wake();
    });
    socket.on("error", () => {});
    socket.on("close", () => {
      this.isClosed = true;
      this.#wake();
    });
  }

  send(payload: Buffer, sequence = 0): void {
    this.#socket.write(framed(sequence, payload));
  }

  /** The next packet's. Throws where none comes. */
  async payload(): Promise<Buffer> {
    const deadline = Date.now() + ANSWER_MS;
    for (;;) {
      const first = this.#payloads.shift();
      if (first !== undefined) return first;
      const left = deadline - Date.now();
      if (this.isClosed || left <= 0) throw new Error(this.isClosed ? "closed" : "no answer");
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, left);
        this.#wake = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
  }

  /** Payloads up to the packet that ends columns or rows, or an error; that packet included. */
  async untilEnd(): Promise<readonly Buffer[]> {
    const payloads: Buffer[] = [];
    for (;;) {
      const payload = await this.payload();
      payloads.push(payload);
      if (payload[0] === EOF || payload[0] === ERR) return payloads;
    }
  }

  /** Packets that have come and were not asked for. */
  get unread(): number {
    return this.#payloads.length;
  }

  close(): void {
    this.#socket.destroy();
  }
}
