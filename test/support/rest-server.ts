import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { createServer as createTlsServer, type ServerOptions } from "node:https";
import type { AddressInfo } from "node:net";

export interface SeenRequest {
  readonly method: string;
  readonly target: string;
  readonly headers: IncomingMessage["headers"];
  readonly body: string;
}

type Answer = (request: SeenRequest, response: ServerResponse) => void;

/** A REST API whose every answer the test writes; it remembers what it was asked. */
export class RestServer {
  readonly requests: SeenRequest[] = [];
  readonly #server: Server;

  private constructor(answer: Answer, tls: ServerOptions | undefined) {
    const handle = (incoming: IncomingMessage, response: ServerResponse): void => {
      const chunks: Buffer[] = [];
      incoming.on("data", (chunk: Buffer) => chunks.push(chunk));
      incoming.on("end", () => {
        const { method = "", url: target = "", headers } = incoming;
        const seen = { method, target, headers, body: Buffer.concat(chunks).toString() };
        this.requests.push(seen);
        answer(seen, response);
      });
    };
    this.#server = tls === undefined ? createServer(handle) : createTlsServer(tls, handle);
  }

  /** On a free port of 127.0.0.1, or on a unix socket. */
  static async start(
    answer: Answer,
    place: { readonly path?: string; readonly tls?: ServerOptions } = {},
  ): Promise<RestServer> {
    const rest = new RestServer(answer, place.tls);
    await new Promise<void>((resolve) => {
      if (place.path === undefined) rest.#server.listen(0, "127.0.0.1", resolve);
      else rest.#server.listen(place.path, resolve);
    });
    return rest;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  /** As --hosts takes it. */
  get host(): string {
    return `127.0.0.1:${this.port}`;
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}

export function answerJson(response: ServerResponse, status: number, document: unknown): void {
  response.writeHead(status, { "content-type": "application/json" });
  response.end(document === undefined ? "" : JSON.stringify(document));
}
