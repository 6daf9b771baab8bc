import { connect, createServer, type Server } from "node:net";
import { setTimeout as wait } from "node:timers/promises";

const POLL_MS = 10;
/** Long enough for those that wait to ask once more: they hear that they are too old. */
const LINGER_MS = 100;
const ANSWER_MS = 500;

/**
 * One maxify at a time, and never an older one after a newer: keepalived starts one for each change of state and waits for
 * none. Whoever has the turn listens on a socket of this name (an abstract one: the kernel takes it back from whoever dies).
 *
 *   newer ──"started at 42"──▶ older: gives up ("go on")          older ──"started at 7"──▶ newer: "too late"
 */
export class MaxifyTurn {
  readonly #path: string;
  readonly #startedAt: number;
  readonly #server: Server;
  #onSuperseded: () => void = () => {};
  isSuperseded = false;

  /** `startedAt`: any clock that all processes of this host share. */
  constructor(name: string, startedAt: number) {
    this.#path = `\0sluice-maxify-${name}`;
    this.#startedAt = startedAt;
    this.#server = createServer((socket) => {
      socket.on("error", () => {});
      socket.once("data", (data) => {
        const isNewer = Number(data.toString()) > this.#startedAt;
        socket.end(isNewer ? "go on" : "too late");
        if (!isNewer) return;
        this.isSuperseded = true;
        this.#onSuperseded();
      });
    });
  }

  /** True once it is this one's turn; false if a newer one has had it. After `deadlineMs` it is taken: nobody may block it for ever. */
  async take(deadlineMs: number): Promise<boolean> {
    const deadline = performance.now() + deadlineMs;
    while (performance.now() < deadline) {
      if (await this.#listen()) return true;
      if ((await this.#ask()) === "too late") return false;
      await wait(POLL_MS);
    }
    return true;
  }

  /** Calls back when a newer one wants the turn. */
  whenSuperseded(callback: () => void): void {
    this.#onSuperseded = callback;
    if (this.isSuperseded) callback();
  }

  /** Gives the turn back. */
  async end(): Promise<void> {
    await wait(LINGER_MS);
    this.#server.close();
  }

  #listen(): Promise<boolean> {
    return new Promise((resolve) => {
      this.#server.once("error", () => resolve(false));
      this.#server.listen(this.#path, () => resolve(true));
    });
  }

  #ask(): Promise<string> {
    return new Promise((resolve) => {
      let answer = "";
      const socket = connect(this.#path, () => socket.write(String(this.#startedAt)));
      socket.setTimeout(ANSWER_MS, () => socket.destroy());
      socket.on("data", (data) => {
        answer += data.toString();
      });
      socket.on("error", () => {});
      socket.on("close", () => resolve(answer));
    });
  }
}
