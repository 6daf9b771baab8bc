import { KEEP_ALIVE_IDLE_MS } from "../../system/keep-alive.ts";
import { type DialTarget, dialFor } from "../passthrough/dial.ts";
import type { Timers } from "../passthrough/timers.ts";
import { OWNED_SOCKET, type SocketOwner } from "./owned-socket.ts";
import { loginServer, type ServerLoginOutcome, type ServerLoginRequest } from "./server-login.ts";

const dialServer = dialFor<SocketOwner>(OWNED_SOCKET);

/** Connects to a server and logs in. Never rejects. @param connectTimeoutMs for the connection; the login has its own deadline */
export async function connectServer(
  target: DialTarget,
  connectTimeoutMs: number,
  request: Omit<ServerLoginRequest, "host">,
  timers: Timers,
): Promise<ServerLoginOutcome> {
  const { endpoint } = target;
  const host = endpoint.kind === "tcp" ? endpoint.host : undefined;
  return await new Promise((resolve) => {
    dialServer(target, connectTimeoutMs, timers, {
      opened: (socket) => {
        if (host !== undefined) socket.setKeepAlive(true, KEEP_ALIVE_IDLE_MS);
        resolve(loginServer(socket, { ...request, host }, timers));
      },
      failed: (reason) => resolve({ kind: "unreachable", reason }),
    });
  });
}
