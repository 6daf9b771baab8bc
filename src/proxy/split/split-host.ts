import type { SplitRules } from "../../topology/routing-table.ts";
import type { Route } from "../../wire/proxy-header.ts";
import type { LoggedInClient } from "../login/logged-in.ts";
import type { OwnedSocket } from "../login/owned-socket.ts";
import type { ServerLoginOutcome } from "../login/server-login.ts";
import type { Timers } from "../passthrough/timers.ts";
import type { ServerLeg } from "./server-leg.ts";
import type { SplitServer } from "./split-server.ts";

/** What a session sees of its service. All of it is as the last routing table says. */
export interface SplitHost {
  readonly timers: Timers;
  readonly rules: SplitRules;
  readonly servers: ReadonlyMap<string, SplitServer>;
  readonly primary: SplitServer | undefined;
  /** Those that take reads; empty: the primary does. */
  readonly readers: readonly SplitServer[];
  /** Why the others may not be used. */
  readonly refusal: string;
  /** The lexer mode that sessions begin with. */
  readonly mode: number;
  /** Its part that tells what the servers are: modeOfServers(). */
  readonly serverMode: number;
  nextTurn(): number;
  connect(server: SplitServer, session: HostedSession): Promise<ServerLoginOutcome>;
  /** An idle connection that another session of the same account has left. */
  takeIdle(server: SplitServer, session: HostedSession): ServerLeg | undefined;
  /** A connection that the session has no use for; it is the host's now, to keep or to close. */
  leaveIdle(leg: ServerLeg, session: HostedSession): void;
  /** A server could not be reached, or has ended a connection; `reason` is one clause. */
  failed(server: SplitServer, reason: string): void;
  /** The session that has told its client this number, in whatever worker it is. */
  findSession(connectionId: number): Promise<FoundSession | undefined>;
  endSession(id: number): void;
  /** The client becomes somebody else, and gets another session. `early`: what it has sent behind the command. */
  changeUser(session: HostedSession, socket: OwnedSocket, command: Buffer, early: Buffer): void;
  gone(session: HostedSession): void;
}

/** What the host needs of a session to do something for it. */
export interface HostedSession {
  readonly id: number;
  readonly listener: string;
  readonly client: LoggedInClient;
  readonly database: string | undefined;
  readonly route: Route | undefined;
}

export interface FoundSession {
  readonly id: number;
  readonly user: string;
  readonly connections: readonly {
    readonly server: string;
    readonly connectionId: number | undefined;
    /** Something is under way there. */
    readonly isBusy?: boolean;
  }[];
}
