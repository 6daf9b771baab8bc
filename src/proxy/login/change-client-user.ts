import { CLIENT, hasFlag } from "../../wire/capability.ts";
import { readChangeUser } from "../../wire/change-user.ts";
import { admitClient } from "./admitted-client.ts";
import { breakLogin, type EndParts, refuseLogin } from "./end-login.ts";
import { type IdentifyParts, identifyClient } from "./identify-client.ts";
import type { ClientConnectionFacts, ClientIdentity, LoggedInClient } from "./logged-in.ts";
import { LoginChannel } from "./login-channel.ts";
import type { OwnedSocket } from "./owned-socket.ts";

export interface ChangeUserParts extends IdentifyParts, EndParts {
  /** For the whole exchange, ms. */
  readonly deadlineMs: number;
}

/** A plugin that no client begins with: it is asked to prove itself by a scramble made for this. */
const NONE = "none";

/**
 * Lets a client become another user on the connection it has. Takes the socket over; the session has it again by handOver() of what this
 * resolves to, whose welcome() it says once its servers have changed the user, too. Never rejects. undefined: it came to nothing, the
 * client has been told, and the connection closes.
 * @param command payload of COM_CHANGE_USER, with the command's byte
 * @param early bytes that came behind it
 */
export async function changeClientUser(
  socket: OwnedSocket,
  command: Buffer,
  early: Buffer,
  client: ClientIdentity & ClientConnectionFacts,
  parts: ChangeUserParts,
): Promise<LoggedInClient | undefined> {
  const channel = new LoginChannel(socket, parts.timers, 1, early);
  channel.limit(parts.deadlineMs);
  const who = { user: client.user, host: client.host };
  try {
    const { capabilities, address, tls, scramble } = client;
    const request = readChangeUser(command, capabilities);
    who.user = request.user;
    const knowsPlugins = hasFlag(capabilities, CLIENT.PLUGIN_AUTH);
    const first = { plugin: knowsPlugins ? NONE : "", response: request.authResponse, scramble };
    const claim = { ...request, characterSet: request.characterSet || client.characterSet };
    const found = await identifyClient(claim, first, { channel, address, capabilities, tls }, parts);
    if (found.kind === "ok") return admitClient(channel, { ...client, ...found.identity });
    await refuseLogin(channel, who, found, parts);
  } catch (error) {
    breakLogin(channel, who, error, parts);
  }
  return undefined;
}
