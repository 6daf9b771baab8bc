import { fstatSync, read } from "node:fs";
import { halfClose } from "../../system/half-close.ts";
import { writeAll } from "../output.ts";

const STDIN = 0;
const STDOUT = 1;
/** A client that says nothing for so long gets its answer all the same, as telnet does. */
const SILENCE_MS = 200;
/** A client that says a little now and then gets its answer after this. */
const REQUEST_MS = 1000;
/** How long the client may take to close its side, once it has the answer. */
const DRAIN_MS = 300;
const MAX_REQUEST_BYTES = 8 * 1024;

/**
 * One HTTP request on the socket that xinetd or systemd (Accept=yes) gave us as standard input and output. The request is
 * read before the answer is written, and the socket is half-closed and drained after it: so the client never sees a reset.
 */
export class Conversation {
  readonly #buffer = Buffer.alloc(MAX_REQUEST_BYTES);
  #head = "";
  #hasEnded = false;
  #onNews: () => void = () => {};

  /** Undefined where standard input and output are not one socket: a terminal, a pipe, a file. Nobody asks then. */
  static open(): Conversation | undefined {
    const input = socketInode(STDIN);
    return input !== undefined && input === socketInode(STDOUT) ? new Conversation() : undefined;
  }

  private constructor() {
    this.#pump();
  }

  /** Resolves to the request's method once the head is complete, or the client is silent or has closed; "" for none. */
  async method(): Promise<string> {
    const end = performance.now() + REQUEST_MS;
    while (!this.#hasEnded && !isComplete(this.#head) && performance.now() < end) {
      if (!(await this.#news(SILENCE_MS))) break;
    }
    return /^[A-Z]+(?= )/.exec(this.#head)?.[0] ?? "";
  }

  /** Writes the answer and resolves once the client has it all and has gone, or time is up. */
  async answer(bytes: Buffer): Promise<void> {
    writeAll(STDOUT, bytes);
    await halfClose(STDOUT);
    const end = performance.now() + DRAIN_MS;
    while (!this.#hasEnded && performance.now() < end) await this.#news(end - performance.now());
  }

  /** True when bytes or the end have come, false after `ms` of silence. */
  #news(ms: number): Promise<boolean> {
    return new Promise((resolve) => {
      const timer = setTimeout(() => resolve(false), ms);
      this.#onNews = () => {
        clearTimeout(timer);
        resolve(true);
      };
    });
  }

  /** Reads for ever; the read that still waits at the end is left to the end of the process. */
  #pump(): void {
    read(STDIN, this.#buffer, 0, this.#buffer.length, null, (error, count) => {
      if (error?.code === "EAGAIN") {
        setTimeout(() => this.#pump(), 5);
        return;
      }
      if (error !== null || count === 0) this.#hasEnded = true;
      else {
        const room = MAX_REQUEST_BYTES - this.#head.length;
        this.#head += this.#buffer.toString("latin1", 0, Math.min(count, room));
        this.#pump();
      }
      this.#onNews();
    });
  }
}

/** A blank line ends the head; past the cap nobody waits for one. */
function isComplete(head: string): boolean {
  return /\n\r?\n/.test(head) || head.length >= MAX_REQUEST_BYTES;
}

function socketInode(fd: number): number | undefined {
  try {
    const stat = fstatSync(fd);
    return stat.isSocket() ? stat.ino : undefined;
  } catch {
    return undefined;
  }
}
