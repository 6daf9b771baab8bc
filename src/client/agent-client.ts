/**
 * client/: how a command speaks to a running daemon. May import everything before it in the list of folders; nothing here
 * asks a database server.
 *
 *   command ─request─▶ askAgent ─HTTP/1.0 over a unix socket─▶ agent
 */
import { connect } from "node:net";
import { CATALOGUE, type Code } from "../errors/catalogue.ts";
import { errorMessage, SluiceError } from "../errors/sluice-error.ts";

export interface AgentRequest {
  readonly method: "GET" | "POST";
  /** Path and query, percent-encoded: `/status?server=db1`. */
  readonly target: string;
  /** Sent as JSON. */
  readonly body?: unknown;
}

export interface AgentReply {
  readonly status: number;
  readonly body: string;
}

// Some 200 servers with all their facts.
const MAX_REPLY_BYTES = 4 * 1024 * 1024;

/**
 * Puts one request to the agent behind a socket. Not fetch: a one-shot check is over before fetch is loaded. Rejects with
 * AGENT_UNREACHABLE (nobody listens, or what answers is no agent), FORBIDDEN (the socket is not for this user) or TIMEOUT.
 */
export function askAgent(path: string, request: AgentRequest, deadlineMs: number): Promise<AgentReply> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let size = 0;
    const socket = connect({ path });
    const fail = (error: SluiceError): void => {
      clearTimeout(timer);
      socket.destroy();
      reject(error);
    };
    const timer = setTimeout(() => {
      const hope = request.method === "GET" ? "" : ": it may still do what it was asked, when it goes on";
      fail(new SluiceError("TIMEOUT", `the agent on ${path} did not answer within ${deadlineMs} ms${hope}`));
    }, deadlineMs);
    socket.on("error", (error) => fail(connectionError(path, error)));
    socket.on("data", (chunk: Buffer) => {
      size += chunk.length;
      chunks.push(chunk);
      if (size > MAX_REPLY_BYTES) fail(notAnAgent(path, `sent more than ${MAX_REPLY_BYTES} bytes`));
    });
    socket.on("end", () => {
      const reply = parseReply(Buffer.concat(chunks).toString());
      if (reply === undefined) return fail(notAnAgent(path, "closed without an HTTP answer"));
      clearTimeout(timer);
      socket.destroy();
      resolve(reply);
    });
    socket.write(formatRequest(request));
  });
}

/**
 * The JSON of an answer. Rejects with the agent's own code and sentence where it refused the request, and with
 * AGENT_UNREACHABLE where the answer is none of an agent's.
 */
export async function askAgentJson(
  path: string,
  request: AgentRequest,
  deadlineMs: number,
): Promise<unknown> {
  const { status, body } = await askAgent(path, request, deadlineMs);
  const value = parseJson(body);
  if (value === undefined) throw notAnAgent(path, `answered ${status} without JSON`);
  if (status < 300) return value;
  const { code, message } = value as { readonly code?: unknown; readonly message?: unknown };
  const known = Object.hasOwn(CATALOGUE, String(code)) ? (code as Code) : "INTERNAL";
  throw new SluiceError(
    known,
    `the agent answers: ${typeof message === "string" ? message.replace(/\.$/, "") : `status ${status}`}`,
  );
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function formatRequest({ method, target, body }: AgentRequest): string {
  const text = body === undefined ? "" : JSON.stringify(body);
  return `${method} ${target} HTTP/1.0\r\nContent-Length: ${Buffer.byteLength(text)}\r\n\r\n${text}`;
}

/** The whole answer, up to the end of the connection; undefined if it is cut short or is no HTTP. */
function parseReply(text: string): AgentReply | undefined {
  const end = text.indexOf("\r\n\r\n");
  const [, status] = /^HTTP\/1\.\d (\d{3})/.exec(text) ?? [];
  if (end < 0 || status === undefined) return undefined;
  const [, length] = /^content-length: *(\d+)/im.exec(text.slice(0, end)) ?? [];
  const body = text.slice(end + 4);
  if (length !== undefined && Buffer.byteLength(body) < Number(length)) return undefined;
  return { status: Number(status), body };
}

function connectionError(path: string, error: NodeJS.ErrnoException): SluiceError {
  const options = { cause: error };
  switch (error.code) {
    case "EACCES":
    case "EPERM":
      return new SluiceError("FORBIDDEN", `${path} may not be used by this user`, options);
    case "ENOENT":
    case "ENOTDIR":
    case "ECONNREFUSED":
      return new SluiceError("AGENT_UNREACHABLE", `no agent answers on ${path}`, options);
    default:
      return new SluiceError(
        "AGENT_UNREACHABLE",
        `the agent on ${path} cannot be asked: ${errorMessage(error)}`,
        options,
      );
  }
}

const notAnAgent = (path: string, what: string): SluiceError =>
  new SluiceError("AGENT_UNREACHABLE", `what listens on ${path} is no agent: it ${what}`);
