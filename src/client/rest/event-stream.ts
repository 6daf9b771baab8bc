import { SluiceError } from "../../errors/sluice-error.ts";
import type { Clock } from "../../telemetry/clock.ts";
import type { Daemon } from "./daemon.ts";
import { pause } from "./pause.ts";
import { type ServerSentEvent, SseParser } from "./sse-parser.ts";

export interface StreamOptions {
  readonly clock: Clock;
  /** The event after which to go on; undefined: only what happens from now on. */
  readonly lastEventId: string | undefined;
  /** Without a word for this long, not even a comment, the connection counts as lost. */
  readonly silenceMs: number;
  /** Runs once for each event, in order. */
  onEvent(event: ServerSentEvent): void;
  /** The connection was lost, or could not be made again; the next try is in `retryMs`. */
  onLost(reason: string, retryMs: number): void;
}

const FIRST_RETRY_MS = 200;
const LONGEST_RETRY_MS = 5000;

/**
 * Follows a stream of server-sent events until `signal` aborts. A lost connection is made anew, with Last-Event-ID, so
 * that no event the daemon still keeps is missed or told twice. Rejects where the first connection fails, and later for a
 * "no" that no waiting changes, such as a login that is no longer valid.
 */
export async function followEvents(
  daemon: Daemon,
  path: string,
  options: StreamOptions,
  signal: AbortSignal,
): Promise<void> {
  let lastEventId = options.lastEventId;
  let retryMs = FIRST_RETRY_MS;
  let wasConnected = false;
  while (!signal.aborted) {
    try {
      const stream = await daemon.stream(path, lastEventId);
      wasConnected = true;
      const ended = await readStream(stream, options, signal, (event) => {
        if (event.id !== undefined) lastEventId = event.id;
        retryMs = FIRST_RETRY_MS;
        options.onEvent(event);
      });
      if (signal.aborted) return;
      options.onLost(ended, retryMs);
    } catch (error) {
      if (!wasConnected || !mayPass(error)) throw error;
      options.onLost(error.message, retryMs);
    }
    await pause(options.clock, retryMs, signal);
    retryMs = Math.min(retryMs * 2, LONGEST_RETRY_MS);
  }
}

const mayPass = (error: unknown): error is SluiceError =>
  error instanceof SluiceError && error.entry.kind === "transient";

/** Resolves to why the stream ended. */
function readStream(
  stream: Awaited<ReturnType<Daemon["stream"]>>,
  { clock, silenceMs }: StreamOptions,
  signal: AbortSignal,
  onEvent: (event: ServerSentEvent) => void,
): Promise<string> {
  return new Promise((resolve, reject) => {
    const { message } = stream;
    const parser = new SseParser();
    let stopTimer = (): void => {};
    const end = (reason: string): void => {
      stopTimer();
      signal.removeEventListener("abort", onAbort);
      stream.close();
      resolve(reason);
    };
    const onAbort = (): void => end("stopped");
    const heard = (): void => {
      stopTimer();
      stopTimer = clock.after(silenceMs, () => end(`nothing was heard for ${silenceMs / 1000} s`));
    };
    signal.addEventListener("abort", onAbort);
    heard();
    message.on("data", (chunk: Buffer) => {
      heard();
      try {
        for (const event of parser.push(chunk)) onEvent(event);
      } catch (error) {
        end("not understood");
        reject(error);
      }
    });
    message.on("error", () => end("the connection was lost"));
    message.on("end", () => end("the daemon ended the stream"));
    message.on("close", () => end("the connection was lost"));
    if (signal.aborted) onAbort();
  });
}
