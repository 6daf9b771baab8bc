import { connect } from "node:net";
import { errorMessage, SluiceError } from "../../errors/sluice-error.ts";
import { type Endpoint, formatEndpoint } from "../../topology/endpoint.ts";

/** HAProxy reads a line of at most bufsize (16 KiB by default). */
const MAX_LINE_BYTES = 8 * 1024;
const MAX_ANSWER_BYTES = 4 * 1024 * 1024;

/** HAProxy's runtime API: a line of commands, one connection, their answers. */
export class RuntimeSocket {
  readonly #address: Endpoint;
  readonly #deadlineMs: number;

  constructor(address: Endpoint, deadlineMs: number) {
    this.#address = address;
    this.#deadlineMs = deadlineMs;
  }

  /** What HAProxy answers to one command. Rejects with HAPROXY_UNREACHABLE or TIMEOUT. */
  ask(command: string): Promise<string> {
    return this.#exchange(command);
  }

  /** Gives orders; resolves to HAProxy's complaint for each, undefined where it obeyed. Rejects as `ask`. */
  async order(commands: readonly string[]): Promise<readonly (string | undefined)[]> {
    const complaints: (string | undefined)[] = [];
    for (const batch of batches(commands)) {
      complaints.push(...parseComplaints(await this.#exchange(batch.join(";")), batch.length));
    }
    return complaints;
  }

  #exchange(line: string): Promise<string> {
    const { promise, resolve, reject } = Promise.withResolvers<string>();
    const address = this.#address;
    const place = formatEndpoint(address);
    const chunks: Buffer[] = [];
    let size = 0;
    const socket =
      address.kind === "socket" ? connect({ path: address.path }) : connect(address.port, address.host);
    const fail = (error: SluiceError): void => {
      clearTimeout(timer);
      socket.destroy();
      reject(error);
    };
    const timer = setTimeout(
      () =>
        fail(new SluiceError("TIMEOUT", `HAProxy on ${place} did not answer within ${this.#deadlineMs} ms`)),
      this.#deadlineMs,
    );
    socket.on("connect", () => socket.write(`${line}\n`));
    socket.on("data", (chunk: Buffer) => {
      size += chunk.length;
      if (size > MAX_ANSWER_BYTES) fail(unreachable(place, "it answers without end", undefined));
      else chunks.push(chunk);
    });
    socket.on("error", (error) => fail(unreachable(place, errorMessage(error), error)));
    socket.on("close", () => {
      clearTimeout(timer);
      resolve(Buffer.concat(chunks).toString());
    });
    return promise;
  }
}

function unreachable(place: string, why: string, cause: unknown): SluiceError {
  return new SluiceError("HAPROXY_UNREACHABLE", `HAProxy's runtime socket ${place} cannot be used: ${why}`, {
    cause,
  });
}

function* batches(commands: readonly string[]): Generator<readonly string[]> {
  let batch: string[] = [];
  let bytes = 0;
  for (const command of commands) {
    if (batch.length > 0 && bytes + command.length > MAX_LINE_BYTES) {
      yield batch;
      batch = [];
      bytes = 0;
    }
    batch.push(command);
    bytes += command.length + 1;
  }
  if (batch.length > 0) yield batch;
}

/** Each answer ends with an empty line; of an order that was obeyed there is nothing else. */
function parseComplaints(answer: string, count: number): readonly (string | undefined)[] {
  const lines = answer.split("\n");
  const complaints: (string | undefined)[] = [];
  let at = 0;
  for (let order = 0; order < count; order++) {
    const words: string[] = [];
    for (; at < lines.length && lines[at] !== ""; at++) words.push(lines[at] ?? "");
    at++;
    complaints.push(words.length === 0 ? undefined : words.join(" ").replace(/\.$/, ""));
  }
  return complaints;
}
