/**
 * proxy/login/: logs clients in here, and logs in to servers in their name. May import wire/, topology/ and proxy/tls/. Promises and
 * copies are fine: a login is no hot path.
 *
 *   client ⇄ LoginChannel ─ loginClient: greeting, TLS, account, proof ─▶ LoggedInClient ─ welcome() ─▶ session
 *   server ⇄ LoginChannel ─ loginServer: the client's name and Credential ─▶ LoggedInServer ──────────▶ session
 */
import type { Account, Accounts } from "../../topology/accounts.ts";
import type { ClientHost } from "../../topology/host-pattern.ts";
import { matchAccount, mayUseDatabase } from "../../topology/match-account.ts";
import { CLIENT, commonFlags, hasFlag } from "../../wire/capability.ts";
import { errorBeforeGreeting, type WireError, writeError } from "../../wire/error-packet.ts";
import { SCRAMBLE_BYTES, scrambleFrom, writeGreeting } from "../../wire/greeting.ts";
import { isTlsRequest, type LoginRequest, readLoginHead, readLoginRequest } from "../../wire/login-request.ts";
import { STATUS } from "../../wire/ok-packet.ts";
import type { ServiceFace } from "../../wire/service-face.ts";
import type { Timers } from "../passthrough/timers.ts";
import type { AccountSource } from "./account-source.ts";
import { accountName, ClientProof, type ProofOutcome } from "./client-proof.ts";
import type { KnownPasswords } from "./known-passwords.ts";
import type { LoggedInClient } from "./logged-in.ts";
import { asBroken, LoginBroken, LoginChannel } from "./login-channel.ts";
import {
  accessDenied,
  accessDeniedNoPassword,
  accountLocked,
  badHandshake,
  databaseDenied,
  hostBlocked,
  loginTimeout,
  noAccounts,
  passwordExpired,
  pluginNotLoaded,
  tlsRequired,
  tooManyLogins,
  tooManyOfUser,
  tooOldForPlugin,
} from "./login-errors.ts";
import type { LoginGuard } from "./login-guard.ts";
import type { OwnedSocket } from "./owned-socket.ts";
import type { PasswordKey } from "./password-key.ts";
