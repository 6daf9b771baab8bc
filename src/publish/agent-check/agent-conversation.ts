import type { Clock } from "../../telemetry/clock.ts";
import type { PickedServer, PublishedServers } from "../published-servers.ts";
import type { Conversation, Peer } from "../tcp/peer.ts";
import { agentLine, downLine, type WeightByLag } from "./agent-line.ts";

/** The longest line of agent-send that is read. */
const MAX_NAME_BYTES = 256;

export interface AgentConversationOptions {
  readonly servers: PublishedServers;
  readonly weightByLag: WeightByLag | undefined;
  readonly clock: Clock;
}

/** One agent check: perhaps a line that names a server, then one line about it. */
export class AgentConversation implements Conversation {
  readonly #peer: Peer;
  readonly #options: AgentConversationOptions;
  #line = "";

  constructor(peer: Peer, options: AgentConversationOptions) {
    this.#peer = peer;
    this.#options = options;
  }

  opened(): void {
    const only = this.#options.servers.pick(undefined);
    if (only.ok) this.#answer(only);
  }

  data(chunk: Buffer): void {
    this.#line += chunk.toString("latin1", 0, MAX_NAME_BYTES);
    const end = this.#line.indexOf("\n");
    if (end !== -1) this.#answer(this.#pick(this.#line.slice(0, end).trim()));
    else if (this.#line.length >= MAX_NAME_BYTES) this.#answer(this.#pick(this.#line));
  }

  ended(): void {
    this.expired();
  }

  expired(): void {
    this.#answer(this.#pick(this.#line.trim()));
  }

  drained(): void {}

  /** agent-send may hold `server` or, as in HAProxy's own naming, `backend/server`. */
  #pick(line: string): PickedServer {
    const { servers } = this.#options;
    const whole = servers.pick(line === "" ? undefined : line);
    if (whole.ok || !line.includes("/")) return whole;
    const part = servers.pick(line.slice(line.lastIndexOf("/") + 1));
    return part.ok ? part : whole;
  }

  #answer(picked: PickedServer): void {
    const { weightByLag, clock } = this.#options;
    const line = picked.ok
      ? agentLine(picked.server.verdict, weightByLag, clock.now())
      : downLine(picked.sentence);
    this.#peer.finish(Buffer.from(`${line}\n`));
  }
}
