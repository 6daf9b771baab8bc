import type { Conversation, Peer } from "../../publish/tcp/peer.ts";

/** Longer than any command: a host name has 253 characters at most. */
const MAX_COMMAND_BYTES = 512;

/** One client of the control socket: one command, one answer, and the connection ends. */
export class GlbConversation implements Conversation {
  readonly #peer: Peer;
  readonly #answer: (command: string) => Promise<string>;
  #command = "";
  #isAnswering = false;

  constructor(peer: Peer, answer: (command: string) => Promise<string>) {
    this.#peer = peer;
    this.#answer = answer;
  }

  opened(): void {}

  data(chunk: Buffer): void {
    if (this.#isAnswering) return;
    if (this.#command === "") this.#peer.enter("request");
    this.#command += chunk.toString("latin1", 0, MAX_COMMAND_BYTES);
    const end = this.#command.search(/[\r\n]/);
    if (end >= 0) this.#respond(this.#command.slice(0, end));
    else if (this.#command.length >= MAX_COMMAND_BYTES) this.#peer.finish(Buffer.from("Error\n"));
  }

  ended(): void {
    this.expired();
  }

  /** GLB needs no end of the line: what has come by now is the command. */
  expired(): void {
    if (this.#isAnswering) return;
    if (this.#command === "") this.#peer.finish();
    else this.#respond(this.#command);
  }

  drained(): void {}

  #respond(command: string): void {
    this.#isAnswering = true;
    this.#peer.enter("answering");
    void this.#answer(command).then((text) => this.#peer.finish(Buffer.from(text)));
  }
}
