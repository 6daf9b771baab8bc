import { StringDecoder } from "node:string_decoder";
import { SluiceError } from "../../errors/sluice-error.ts";

/** One event of a text/event-stream (https://html.spec.whatwg.org/multipage/server-sent-events.html). */
export interface ServerSentEvent {
  readonly id: string | undefined;
  /** `message` unless the stream names another. */
  readonly type: string;
  readonly data: string;
}

/** An event is one line of JSON of some hundred bytes. */
const MAX_EVENT_CHARACTERS = 1024 * 1024;

/** Takes the stream's bytes in whatever pieces they come and gives the events that are complete. */
export class SseParser {
  readonly #decoder = new StringDecoder("utf8");
  #rest = "";
  #id: string | undefined;
  #type = "";
  #data: string[] = [];
  #size = 0;

  /** Throws API_UNREACHABLE for an event larger than any of ours. */
  push(bytes: Buffer): readonly ServerSentEvent[] {
    const text = this.#rest + this.#decoder.write(bytes);
    // A CR at the very end may be the first half of CRLF.
    const isHalf = text.endsWith("\r");
    const lines = (isHalf ? text.slice(0, -1) : text).split(/\r\n|\r|\n/);
    this.#rest = (lines.pop() ?? "") + (isHalf ? "\r" : "");
    const events = lines.flatMap((line) => this.#line(line));
    if (this.#rest.length + this.#size > MAX_EVENT_CHARACTERS) {
      throw new SluiceError(
        "API_UNREACHABLE",
        `the stream sent an event of over ${MAX_EVENT_CHARACTERS} bytes`,
      );
    }
    return events;
  }

  #line(line: string): readonly ServerSentEvent[] {
    if (line === "") return this.#complete();
    const [, field = line, value = ""] = /^([^:]*):? ?(.*)$/s.exec(line) ?? [];
    if (field === "data") {
      this.#data.push(value);
      this.#size += value.length;
    } else if (field === "id" && !value.includes("\0")) this.#id = value;
    else if (field === "event") this.#type = value;
    return [];
  }

  #complete(): readonly ServerSentEvent[] {
    const event = { id: this.#id, type: this.#type || "message", data: this.#data.join("\n") };
    const isEmpty = this.#data.length === 0;
    this.#type = "";
    this.#data = [];
    this.#size = 0;
    return isEmpty ? [] : [event];
  }
}
