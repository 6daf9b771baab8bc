import { type WireError, writeError } from "../../wire/error-packet.ts";
import type { Timers } from "../passthrough/timers.ts";
import { asBroken, LoginBroken, type LoginChannel } from "./login-channel.ts";
import { badHandshake, loginTimeout } from "./login-errors.ts";
import type { LoginGuard } from "./login-guard.ts";

/** For the log and the counters; never with a password. */
export interface LoginFailure {
  /** Empty: the client has not said. */
  readonly user: string;
  readonly host: string;
  /** What the client was told, or one clause on why it could not be told anything. */
  readonly reason: string;
  /** By a wrong name or password, and not by something that is right but not allowed. */
  readonly isGuess: boolean;
}

export interface EndParts {
  readonly timers: Timers;
  readonly guard: LoginGuard;
  onFailure(failure: LoginFailure): void;
}

type Who = Pick<LoginFailure, "user" | "host">;

/** Tells the client, the later the more often its host has guessed wrong, and closes. */
export async function refuseLogin(
  channel: LoginChannel,
  who: Who,
  { error, isGuess }: { readonly error: WireError; readonly isGuess: boolean },
  { timers, guard, onFailure }: EndParts,
): Promise<void> {
  channel.cancelDeadline();
  if (isGuess) await new Promise<void>((resolve) => timers.after(guard.failed(who.host), () => resolve()));
  channel.leave(writeError(error));
  onFailure({ ...who, reason: error.sentence, isGuess });
}

/** Ends a login that could not go on: told as far as there is somebody to tell. */
export function breakLogin(channel: LoginChannel, who: Who, cause: unknown, { onFailure }: EndParts): void {
  const error = asBroken(cause);
  if (!(error instanceof LoginBroken)) {
    channel.destroy();
    onFailure({ ...who, reason: error instanceof Error ? error.message : String(error), isGuess: false });
    return;
  }
  switch (error.why) {
    case "closed": // Health checks do that, and nobody is there to be told.
      channel.destroy();
      return;
    case "late":
      channel.leave(writeError(loginTimeout()));
      break;
    case "malformed":
      channel.leave(writeError(badHandshake()));
  }
  onFailure({ ...who, reason: error.message, isGuess: false });
}
