import type { z } from "zod";
import type { Clock } from "../../telemetry/clock.ts";
import type { Log } from "../../telemetry/log.ts";
import type { Accounts } from "../auth/accounts.ts";
import type { Identity } from "../auth/authenticator.ts";
import type { Tokens } from "../auth/tokens.ts";
import type { Control } from "../control.ts";
import type { Document, ResourceFactory } from "../json-api/document.ts";

/** What every resource works with. */
export interface AdminContext {
  readonly control: Control;
  readonly accounts: Accounts;
  readonly tokens: Tokens;
  readonly clock: Clock;
  readonly log: Log;
  /** Reads key and certificates of the admin API again. */
  reloadTls(): void;
}

/** One request, as a resource sees it. */
export interface Exchange {
  /** Decoded path parameters; `name` is what almost every path has. */
  readonly params: Readonly<Record<string, string>>;
  readonly query: Query;
  /** Parsed JSON; undefined: there was no body. */
  readonly body: unknown;
  readonly identity: Identity;
  readonly make: ResourceFactory;
  readonly headers: { readonly accept: string; readonly lastEventId: string | undefined };
  readonly isEncrypted: boolean;
}

export interface Query {
  get(name: string): string | undefined;
  /** `yes`, `true`, `on` or `1`. */
  isSet(name: string): boolean;
  /** Every part between the &, decoded, in order: module commands have bare arguments. */
  readonly parts: readonly string[];
}

export type Answer =
  | { readonly kind: "document"; readonly document: Document; readonly headers?: Headers }
  | { readonly kind: "done"; readonly headers?: Headers }
  | { readonly kind: "text"; readonly text: string; readonly type: string; readonly headers?: Headers }
  /** Answers by itself, for as long as the client stays. */
  | { readonly kind: "stream"; readonly open: (client: StreamClient) => void };

export type Headers = Readonly<Record<string, string>>;

/** The client's side of an endless answer. */
export interface StreamClient {
  /** False: the client does not keep up. */
  write(text: string): boolean;
  /** Ends the connection at once: what waits in it may never be read. */
  drop(): void;
  onClose(listener: () => void): void;
}

export type Method = "GET" | "POST" | "PUT" | "PATCH" | "DELETE";

/** One entry of the table that server, /openapi.json and tests are made of. */
export interface Route {
  readonly method: Method;
  /** `/v1/servers/:name` */
  readonly path: string;
  readonly summary: string;
  /**
   * open: without an account. read: every account. write: `admin` accounts only, one request at a time. command: the same, and not
   * waiting for others (it may take minutes).
   */
  readonly access: "open" | "read" | "write" | "command";
  readonly body?: z.ZodType;
  /** Query parameters and what they mean. */
  readonly query?: Readonly<Record<string, string>>;
  readonly answer: "document" | "nothing" | "text";
  handle(exchange: Exchange, context: AdminContext): Answer | Promise<Answer>;
}

/** 204 */
export const DONE: Answer = { kind: "done" };

export function found(document: Document): Answer {
  return { kind: "document", document };
}
