import type { Endpoint } from "../../topology/endpoint.ts";
import { dialFor } from "../passthrough/dial.ts";
import type { Timers } from "../passthrough/timers.ts";
import { OWNED_SOCKET, type SocketOwner } from "./owned-socket.ts";
import { loginServer, type ServerLoginOutcome, type ServerLoginRequest } from "./server-login.ts";

/** Connects to a server and logs in. Never rejects. @param connectTimeoutMs for the connection; the login has its own deadline */
export async function connectServer(
  endpoint: Endpoint,
  connectTimeoutMs: number,
  request: Omit<ServerLoginRequest, "host">,
  timers: Timers,
): Promise<ServerLoginOutcome> {
  const host = endpoint.kind === "tcp" ? endpoint.host : undefined;
  return await new Promise((resolve) => {
    dialFor<SocketOwner>(OWNED_SOCKET, endpoint, connectTimeoutMs, timers, {
      opened: (socket) => resolve(loginServer(socket, { ...request, host }, timers)),
      failed: (reason) => resolve({ kind: "unreachable", reason }),
    });
  });
}
