/**
 * admin/glb/: the control socket and control FIFO of GLB, for one service. A change made here is a change like any other: the
 * whole configuration is validated, it is kept, and then it is in force.
 *
 *   nc ─▶ PeerServer ─▶ GlbConversation ─┐
 *                                        ├─▶ GlbCommands ─▶ getinfo, getstat ─▶ reports
 *   echo ─▶ FIFO ─▶ FifoReader ──────────┘        └──▶ destinationEdits ─▶ GlbHost.edit
 */
import { FifoReader } from "../../publish/notify/fifo-reader.ts";
import type { CloseReason } from "../../publish/publisher.ts";
import { AllowList } from "../../publish/tcp/allow-list.ts";
import { PeerServer } from "../../publish/tcp/peer-server.ts";
import { claimFifo } from "../../system/fifo.ts";
import type { Clock } from "../../telemetry/clock.ts";
import type { Log } from "../../telemetry/log.ts";
import { GlbCommands } from "./glb-commands.ts";
import { GlbConversation } from "./glb-conversation.ts";
import type { GlbHost } from "./glb-host.ts";

export interface GlbControlOptions {
  readonly service: string;
  /** Undefined: no socket. */
  readonly listen: { readonly host: string; readonly port: number } | undefined;
  /** Networks whose clients are answered; undefined: everybody who gets there. */
  readonly onlyFrom: readonly string[] | undefined;
  /** Path of the FIFO, which is made; undefined: none. */
  readonly fifo: string | undefined;
}

const MAX_CONNECTIONS = 50;
/** A change waits for its turn, and for the disk. */
const ANSWER_MS = 30_000;
const SILENT_MS = 10_000;
/** A command without the end of its line is complete after this. */
const PAUSE_MS = 200;
const LINGER_MS = 2000;
const LOOK_MS = 100;

export class GlbControl {
  readonly #options: GlbControlOptions;
  readonly #commands: GlbCommands;
  readonly #peers: PeerServer;
  readonly #clock: Clock;
  readonly #log: Log;
  #fifo: FifoReader | undefined;
  #removeFifo: () => void = () => {};
  /** Lines of the FIFO are followed one after the other. */
  #last: Promise<unknown> = Promise.resolve();

  /** @throws SluiceError CONFIG_INVALID: control_only_from is wrong */
  constructor(options: GlbControlOptions, host: GlbHost, clock: Clock, log: Log) {
    this.#options = options;
    this.#clock = clock;
    this.#log = log;
    this.#commands = new GlbCommands(options.service, host, clock, log);
    this.#peers = new PeerServer({
      converse: (peer) =>
        new GlbConversation(peer, (command) => this.#commands.answer(command, peer.address)),
      phaseMs: {
        handshake: SILENT_MS,
        silent: SILENT_MS,
        request: PAUSE_MS,
        answering: ANSWER_MS,
        idle: SILENT_MS,
        linger: LINGER_MS,
      },
      maxConnections: MAX_CONNECTIONS,
      onlyFrom: options.onlyFrom && new AllowList(options.onlyFrom),
      tls: undefined,
      clock,
      log,
    });
  }

  /** The TCP port it listens on. */
  get port(): number | undefined {
    return this.#peers.port;
  }

  /** @throws SluiceError ADDRESS_IN_USE and others that say why it cannot */
  async start(): Promise<void> {
    const { listen, fifo } = this.#options;
    try {
      if (fifo !== undefined) await this.#openFifo(fifo);
      if (listen === undefined) return;
      const address = await this.#peers.listen({ kind: "tcp", ...listen });
      this.#log.info({ event: "listening", address }, "answers GLB's commands");
    } catch (error) {
      await this.close();
      throw error;
    }
  }

  async close(reason?: CloseReason): Promise<void> {
    this.#fifo?.close();
    if (reason !== "succession") this.#removeFifo();
    await this.#peers.close(reason);
  }

  async #openFifo(path: string): Promise<void> {
    this.#removeFifo = await claimFifo(path);
    const take = (line: string): void => {
      if (line.trim() === "") return;
      this.#last = this.#last.then(async () => await this.#commands.answer(line, path));
    };
    const complain = (sentence: string): void => this.#log.warn({ event: "control_fifo" }, sentence);
    this.#fifo = new FifoReader(path, this.#clock, take, complain, LOOK_MS);
    this.#fifo.start();
  }
}
