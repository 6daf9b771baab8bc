import { SluiceError } from "../../errors/sluice-error.ts";
import type { Log } from "../../telemetry/log.ts";
import type { Conversation, Peer } from "../tcp/peer.ts";
import type { HttpHandler } from "./http-handler.ts";
import { type HttpRequest, SILENT_REQUEST } from "./http-request.ts";
import { HttpResponse } from "./http-response.ts";
import { type Parsed, RequestParser } from "./request-parser.ts";

/** Bytes that may wait behind an answer under way; a client that pipelines more is answered once more and left. */
const MAX_PIPELINED_BYTES = 16 * 1024;

/** Pipelined requests answered before other clients have their turn. */
const REQUESTS_PER_TURN = 16;

const HALF_REQUEST = HttpResponse.text(400, "The request was not complete in time.");

export interface HttpConnectionOptions {
  readonly handler: HttpHandler;
  /** Answer a client that says nothing as if it had asked for `/`. */
  readonly answersSilence: boolean;
  /** The publisher is closing: no answer keeps its connection. */
  readonly isClosing: () => boolean;
  readonly counters: HttpCounters;
  readonly log: Log;
}

/** Plain counters since the start; read from outside. */
export interface HttpCounters {
  requests: number;
  malformed: number;
}

/** One client's requests, answered in order, one at a time. */
export class HttpConnection implements Conversation {
  readonly #peer: Peer;
  readonly #options: HttpConnectionOptions;
  readonly #parser = new RequestParser();
  /** What must come before the next request is read: the answer to the last one, its way out, or other clients' turn. */
  #awaits: "nothing" | "answer" | "drain" | "turn" = "nothing";
  /** The next answer closes the connection. */
  #isLast = false;
  /** The client has half-closed. */
  #hasEnded = false;

  constructor(peer: Peer, options: HttpConnectionOptions) {
    this.#peer = peer;
    this.#options = options;
  }

  opened(): void {}

  data(chunk: Buffer): void {
    this.#parser.push(chunk);
    if (this.#awaits === "nothing") this.#advance();
    else this.#limitPipeline();
  }

  ended(): void {
    this.#hasEnded = true;
    if (this.#awaits === "nothing") this.#advance();
  }

  expired(phase: "silent" | "request" | "idle"): void {
    if (phase === "silent" && this.#options.answersSilence) this.#serve(SILENT_REQUEST);
    else if (phase === "request") this.#peer.finish(HALF_REQUEST.bytes(false, false));
    else this.#peer.finish();
  }

  drained(): void {
    if (this.#awaits === "drain") this.#resume();
  }

  #advance(): void {
    for (let served = 0; this.#awaits === "nothing" && !this.#peer.isFinished; served++) {
      if (served === REQUESTS_PER_TURN && this.#parser.pendingBytes > 0) {
        this.#giveWay();
        return;
      }
      const parsed = this.#parser.next();
      switch (parsed.kind) {
        case "request":
          this.#serve(parsed.request);
          break;
        case "malformed":
          this.#refuse(parsed);
          break;
        case "incomplete":
          if (parsed.hasBegun && this.#peer.phase !== "request") this.#peer.enter("request");
          if (this.#hasEnded) this.expired(this.#phaseOfWaiting());
          return;
      }
    }
  }

  #phaseOfWaiting(): "silent" | "request" | "idle" {
    const { phase } = this.#peer;
    return phase === "silent" || phase === "request" ? phase : "idle";
  }

  #serve(request: HttpRequest): void {
    this.#options.counters.requests++;
    try {
      const response = this.#options.handler(request);
      if (response instanceof HttpResponse) this.#send(request, response);
      else void this.#sendLater(request, response);
    } catch (error) {
      this.#send(request, this.#failure(error));
    }
  }

  async #sendLater(request: HttpRequest, pending: Promise<HttpResponse>): Promise<void> {
    this.#wait("answer");
    const response = await pending.catch((error: unknown) => this.#failure(error));
    if (this.#peer.isFinished) return;
    this.#proceed();
    this.#send(request, response);
    if (this.#awaits === "nothing" && this.#parser.pendingBytes > 0) this.#giveWay();
    else this.#advance();
  }

  #send(request: HttpRequest, response: HttpResponse): void {
    const keepAlive = request.keepAlive && !this.#isLast && !this.#options.isClosing();
    const bytes = response.bytes(keepAlive, request.method === "HEAD");
    if (!keepAlive) this.#peer.finish(bytes);
    else if (this.#peer.send(bytes)) this.#peer.enter("idle");
    else this.#wait("drain");
  }

  #giveWay(): void {
    if (this.#peer.isFinished) return;
    this.#wait("turn");
    setImmediate(() => {
      if (!this.#peer.isFinished) this.#resume();
    });
  }

  #resume(): void {
    this.#proceed();
    this.#peer.enter("idle");
    this.#advance();
  }

  #wait(what: "answer" | "drain" | "turn"): void {
    this.#awaits = what;
    this.#peer.enter("answering");
    this.#peer.pause();
    this.#limitPipeline();
  }

  #proceed(): void {
    this.#awaits = "nothing";
    this.#peer.resume();
  }

  #limitPipeline(): void {
    if (this.#parser.pendingBytes > MAX_PIPELINED_BYTES) this.#isLast = true;
  }

  #refuse({ status, sentence }: Extract<Parsed, { kind: "malformed" }>): void {
    this.#options.counters.malformed++;
    this.#options.log.debug({ event: "malformed_request", client: this.#peer.address, status }, sentence);
    this.#peer.finish(HttpResponse.text(status, sentence).bytes(false, false));
  }

  #failure(error: unknown): HttpResponse {
    if (error instanceof SluiceError) {
      return HttpResponse.json(error.entry.http, { code: error.code, message: error.message });
    }
    this.#options.log.error({ event: "request_failed", err: error }, "a request failed");
    return HttpResponse.json(500, {
      code: "INTERNAL",
      message: "A fault of Sluice itself; its log tells more.",
    });
  }
}
