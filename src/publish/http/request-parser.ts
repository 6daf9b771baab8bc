import type { HttpRequest } from "./http-request.ts";

export type Parsed =
  | { readonly kind: "request"; readonly request: HttpRequest }
  /** More bytes are needed; `hasBegun` tells a half request from none at all. */
  | { readonly kind: "incomplete"; readonly hasBegun: boolean }
  /** Nothing more can be read from this client. */
  | { readonly kind: "malformed"; readonly status: 400 | 413 | 431 | 505; readonly sentence: string };

export const MAX_HEAD_BYTES = 8 * 1024;
/** What of a body is kept for the handler; the rest is read and dropped. */
export const MAX_KEPT_BODY = 4 * 1024;
export const MAX_BODY_BYTES = 64 * 1024;

const LF = 0x0a;
const CR = 0x0d;
const TLS_HANDSHAKE = 0x16;
const NOTHING = Buffer.alloc(0);
const INCOMPLETE: Parsed = Object.freeze({ kind: "incomplete", hasBegun: true });
const NOT_BEGUN: Parsed = Object.freeze({ kind: "incomplete", hasBegun: false });

/** The head of a request while it is read. */
interface Head {
  method: string;
  target: string;
  minorVersion: number;
  wantsClose: boolean;
  wantsKeepAlive: boolean;
  contentLength: number | undefined;
  /** A body of unknown length, or one that waits for `100 Continue`: answered without it, then closed. */
  hasUnreadBody: boolean;
  authorization: string | undefined;
}

/**
 * Reads HTTP/1.x requests from bytes that arrive in any pieces (RFC 9112), and HTTP/0.9 ones (`GET /`), which some
 * balancers' monitors send by default. Lenient where health checks are known to be sloppy: a bare LF ends a line, Host
 * may be missing, empty lines may come first.
 */
export class RequestParser {
  #bytes: Buffer = NOTHING;
  /** Where the next line, or the body, begins in #bytes. */
  #at = 0;
  /** How far the present line has been searched for its end. */
  #searched = 0;
  #headBytes = 0;
  #head: Head | undefined;
  /** Bytes of the body still to come; undefined outside of one. */
  #bodyLeft: number | undefined;
  #body: Buffer = NOTHING;
  #failure: Parsed | undefined;

  push(chunk: Buffer): void {
    const rest = this.#rest();
    this.#searched -= this.#at;
    this.#at = 0;
    this.#bytes = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
  }

  /** Bytes received and not yet read as a request. */
  get pendingBytes(): number {
    return this.#bytes.length - this.#at;
  }

  next(): Parsed {
    while (this.#failure === undefined) {
      if (this.#head !== undefined && this.#bodyLeft !== undefined)
        return this.#readBody(this.#head, this.#bodyLeft);
      const line = this.#takeLine();
      if (line === undefined) return this.#failure ?? (this.#hasBegun() ? INCOMPLETE : NOT_BEGUN);
      const parsed =
        this.#head === undefined ? this.#readRequestLine(line) : this.#readHeaderLine(this.#head, line);
      if (parsed !== undefined) return parsed;
    }
    return this.#failure;
  }

  #hasBegun(): boolean {
    return this.#head !== undefined || this.#bytes.length > this.#at;
  }

  #rest(): Buffer {
    return this.#at === 0 ? this.#bytes : this.#bytes.subarray(this.#at);
  }

  /** The next line without its end; undefined if it is not complete or not text. */
  #takeLine(): string | undefined {
    const end = this.#bytes.indexOf(LF, this.#searched);
    const seen = end === -1 ? this.#bytes.length : end + 1;
    if (this.#head === undefined && !this.#isText(seen)) return undefined;
    if (this.#headBytes + seen - this.#at > MAX_HEAD_BYTES) {
      this.#fail(431, `The request's head is longer than ${MAX_HEAD_BYTES} bytes.`);
      return undefined;
    }
    this.#searched = seen;
    if (end === -1) return undefined;
    const hasCr = end > this.#at && this.#bytes[end - 1] === CR;
    const line = this.#bytes.toString("latin1", this.#at, hasCr ? end - 1 : end);
    this.#headBytes += seen - this.#at;
    this.#at = seen;
    return line;
  }

  /** Tells garbage on the request line as soon as it comes, so that nobody waits for its end. */
  #isText(end: number): boolean {
    for (let i = this.#searched; i < end; i++) {
      const byte = this.#bytes[i] as number;
      if ((byte >= 0x20 && byte < 0x7f) || byte === CR || byte === LF) continue;
      const isTls = i === this.#at && byte === TLS_HANDSHAKE;
      this.#fail(400, isTls ? "TLS was spoken to a plain HTTP port." : "What came is not an HTTP request.");
      return false;
    }
    return true;
  }

  #readRequestLine(line: string): Parsed | undefined {
    if (line === "") {
      this.#headBytes = 0; // empty lines before a request do not count (RFC 9112, 2.2)
      return undefined;
    }
    const match = /^([!#$%&'*+.^_`|~0-9A-Za-z-]+) +([^ ]+)(?: +HTTP\/(\d)\.(\d))? *$/.exec(line);
    const [, method = "", target = "", major, minor] = match ?? [];
    if (match === null || (major === undefined && method !== "GET")) {
      return this.#fail(400, "The request line is not METHOD PATH HTTP/1.1.");
    }
    if (major !== undefined && major !== "1")
      return this.#fail(505, "Only HTTP/1.0 and HTTP/1.1 are spoken here.");
    const head: Head = {
      method,
      target,
      minorVersion: Number(minor ?? 0),
      wantsClose: false,
      wantsKeepAlive: false,
      contentLength: undefined,
      hasUnreadBody: false,
      authorization: undefined,
    };
    if (major === undefined) return this.#complete(head); // HTTP/0.9 has no headers
    this.#head = head;
    return undefined;
  }

  #readHeaderLine(head: Head, line: string): Parsed | undefined {
    if (line === "") return this.#endHead(head);
    const match = /^([!#$%&'*+.^_`|~0-9A-Za-z-]+):[ \t]*([\t\x20-\x7e\x80-\xff]*)$/.exec(line);
    if (match === null) return this.#fail(400, "A header line is not NAME: VALUE.");
    const value = (match[2] ?? "").trimEnd();
    switch ((match[1] ?? "").toLowerCase()) {
      case "connection": {
        const tokens = value.toLowerCase().split(/[ \t,]+/);
        head.wantsClose ||= tokens.includes("close");
        head.wantsKeepAlive ||= tokens.includes("keep-alive");
        return undefined;
      }
      case "content-length":
        return this.#readContentLength(head, value);
      case "transfer-encoding":
      case "expect":
        head.hasUnreadBody = true;
        return undefined;
      case "authorization":
        head.authorization = value;
        return undefined;
      default:
        return undefined;
    }
  }

  #readContentLength(head: Head, value: string): Parsed | undefined {
    const length = /^\d{1,15}$/.test(value) ? Number(value) : undefined;
    if (length === undefined || (head.contentLength !== undefined && head.contentLength !== length)) {
      return this.#fail(400, "Content-Length is not one number of bytes.");
    }
    if (length > MAX_BODY_BYTES) return this.#fail(413, `The body is longer than ${MAX_BODY_BYTES} bytes.`);
    head.contentLength = length;
    return undefined;
  }

  #endHead(head: Head): Parsed | undefined {
    if (head.hasUnreadBody || !head.contentLength) return this.#complete(head);
    this.#bodyLeft = head.contentLength;
    return undefined;
  }

  #readBody(head: Head, left: number): Parsed {
    const part = this.#bytes.subarray(this.#at, this.#at + left);
    const kept = part.subarray(0, MAX_KEPT_BODY - this.#body.length);
    if (kept.length > 0) this.#body = Buffer.concat([this.#body, kept]);
    this.#at += part.length;
    this.#searched = this.#at;
    this.#bodyLeft = left - part.length;
    return this.#bodyLeft > 0 ? INCOMPLETE : this.#complete(head);
  }

  #complete(head: Head): Parsed {
    const { method, authorization } = head;
    const byDefault = head.minorVersion >= 1 ? !head.wantsClose : head.wantsKeepAlive && !head.wantsClose;
    const keepAlive = byDefault && !head.hasUnreadBody;
    const body = this.#body;
    this.#head = undefined;
    this.#headBytes = 0;
    this.#bodyLeft = undefined;
    this.#body = NOTHING;
    return {
      kind: "request",
      request: { method, ...splitTarget(head.target), authorization, keepAlive, body },
    };
  }

  #fail(status: 400 | 413 | 431 | 505, sentence: string): Parsed {
    this.#failure = { kind: "malformed", status, sentence };
    return this.#failure;
  }
}

/** `/path?query`, `http://host/path?query` or `*` (OPTIONS). */
function splitTarget(target: string): { path: string; query: string } {
  const local = target.replace(/^https?:\/\/[^/?#]*/i, "");
  const [beforeFragment = ""] = local.split("#", 1);
  const mark = beforeFragment.indexOf("?");
  const path = mark === -1 ? beforeFragment : beforeFragment.slice(0, mark);
  return {
    path: path.startsWith("/") ? path : "/",
    query: mark === -1 ? "" : beforeFragment.slice(mark + 1),
  };
}
