/** A request as far as a health check needs it. */
export interface HttpRequest {
  /** As sent: methods are case-sensitive. */
  readonly method: string;
  /** Begins with `/`; without the query; not percent-decoded. */
  readonly path: string;
  /** Without its `?`; empty where there is none. */
  readonly query: string;
  /** The Authorization header. */
  readonly authorization: string | undefined;
  /** The client wants to send another request on this connection. */
  readonly keepAlive: boolean;
  /** The first MAX_KEPT_BODY bytes. */
  readonly body: Buffer;
}

/** What an unasked answer is an answer to: somebody connected and says nothing. */
export const SILENT_REQUEST: HttpRequest = {
  method: "GET",
  path: "/",
  query: "",
  authorization: undefined,
  keepAlive: false,
  body: Buffer.alloc(0),
};
