const REASONS: Readonly<Record<number, string>> = {
  200: "OK",
  202: "Accepted",
  400: "Bad Request",
  401: "Unauthorized",
  403: "Forbidden",
  404: "Not Found",
  405: "Method Not Allowed",
  413: "Content Too Large",
  431: "Request Header Fields Too Large",
  500: "Internal Server Error",
  503: "Service Unavailable",
  504: "Gateway Timeout",
  505: "HTTP Version Not Supported",
};

export interface HttpResponseParts {
  readonly status: number;
  /** The words after the status; by default the standard ones. One line of printable ASCII. */
  readonly reason?: string;
  readonly contentType: string;
  /** Further header lines without their ends. */
  readonly headers?: readonly string[];
  readonly body: string;
}

/**
 * An answer, made once and sent many times: its bytes are rendered when first asked for and kept. The head is in the
 * order, and has the spelling, of the health-check scripts whose answers it replaces byte for byte.
 */
export class HttpResponse {
  readonly #parts: HttpResponseParts;
  readonly #rendered: (Buffer | undefined)[] = [];

  constructor(parts: HttpResponseParts) {
    this.#parts = parts;
  }

  static text(status: number, sentence: string, headers: readonly string[] = []): HttpResponse {
    return new HttpResponse({
      status,
      contentType: "text/plain; charset=utf-8",
      headers,
      body: `${sentence}\n`,
    });
  }

  static json(status: number, value: unknown): HttpResponse {
    return new HttpResponse({ status, contentType: "application/json", body: `${JSON.stringify(value)}\n` });
  }

  get status(): number {
    return this.#parts.status;
  }

  /** The whole answer; `headOnly` for HEAD. The same Buffer each time: do not write to it. */
  bytes(keepAlive: boolean, headOnly: boolean): Buffer {
    const variant = (keepAlive ? 1 : 0) + (headOnly ? 2 : 0);
    let bytes = this.#rendered[variant];
    if (bytes === undefined) {
      bytes = this.#render(keepAlive, headOnly);
      this.#rendered[variant] = bytes;
    }
    return bytes;
  }

  #render(keepAlive: boolean, headOnly: boolean): Buffer {
    const { status, reason, contentType, headers, body } = this.#parts;
    const head = [
      `HTTP/1.1 ${status} ${reason ?? REASONS[status] ?? "Unknown"}`,
      `Content-Type: ${contentType}`,
      `Connection: ${keepAlive ? "keep-alive" : "close"}`,
      `Content-Length: ${Buffer.byteLength(body)}`,
      ...(headers ?? []),
    ];
    return Buffer.from(`${head.join("\r\n")}\r\n\r\n${headOnly ? "" : body}`);
  }
}
