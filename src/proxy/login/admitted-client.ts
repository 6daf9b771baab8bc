import { writeError } from "../../wire/error-packet.ts";
import { writeOk } from "../../wire/ok-packet.ts";
import type { ClientConnectionFacts, ClientIdentity, LoggedInClient } from "./logged-in.ts";
import type { LoginChannel } from "./login-channel.ts";

/** A client whose login lacks nothing but its OK. */
export function admitClient(
  channel: LoginChannel,
  facts: ClientIdentity & ClientConnectionFacts,
): LoggedInClient {
  channel.cancelDeadline();
  channel.pause();
  return {
    ...facts,
    welcome: (ok) => channel.send(writeOk(ok, facts.capabilities)),
    refuse: (error) => channel.leave(writeError(error)),
    handOver: (owner) => channel.handOver(owner),
  };
}
