import { writeChangeUser } from "../../wire/change-user.ts";
import type { Timers } from "../passthrough/timers.ts";
import type { LoggedInServer } from "./logged-in.ts";
import { LoginChannel } from "./login-channel.ts";
import type { OwnedSocket } from "./owned-socket.ts";
import { type ServerLoginOutcome, type ServerLoginRequest, serverFailure, untilOk } from "./server-login.ts";
import { ServerProof } from "./server-proof.ts";

export type ChangeServerUserRequest = Pick<
  ServerLoginRequest,
  "user" | "credential" | "database" | "characterSet" | "attributes" | "host" | "deadlineMs"
>;

/**
 * Makes a connection to a server that of another user (COM_CHANGE_USER): with nothing left of the session it had. Takes the socket over,
 * on which nothing may be under way. Never rejects; unless `ok`, the connection is closed.
 */
export async function changeServerUser(
  socket: OwnedSocket,
  server: LoggedInServer,
  request: ChangeServerUserRequest,
  timers: Timers,
): Promise<ServerLoginOutcome> {
  const channel = new LoginChannel(socket, timers);
  channel.limit(request.deadlineMs);
  const { user, credential, database, characterSet, attributes, host } = request;
  const proof = new ServerProof(credential, server.isEncrypted || host === undefined);
  let outcome: ServerLoginOutcome;
  try {
    const { plugin, response } = proof.first(server.authentication);
    const change = { user, authResponse: response, database, characterSet, plugin, attributes };
    channel.send(writeChangeUser(change, server.capabilities));
    outcome = await untilOk(channel, proof, { ...server, characterSet });
  } catch (error) {
    outcome = serverFailure(error);
  }
  if (outcome.kind !== "ok") channel.destroy();
  return outcome;
}
