import type { Account, Accounts, TlsRequirement } from "../../topology/accounts.ts";
import { type ClientHost, isHostName } from "../../topology/host-pattern.ts";
import { matchAccount, mayUseDatabase } from "../../topology/match-account.ts";
import { CLIENT, hasFlag } from "../../wire/capability.ts";
import type { WireError } from "../../wire/error-packet.ts";
import type { AccountSource } from "./account-source.ts";
import { accountName, ClientProof, type FirstProof, type ProofOutcome } from "./client-proof.ts";
import type { Credential } from "./credential.ts";
import type { KnownPasswords } from "./known-passwords.ts";
import type { ClientIdentity, ClientTls } from "./logged-in.ts";
import type { LoginChannel } from "./login-channel.ts";
import {
  accessDenied,
  accessDeniedNoPassword,
  accountLocked,
  databaseDenied,
  noAccounts,
  passwordExpired,
  pluginNotLoaded,
  tooOldForPlugin,
} from "./login-errors.ts";
import type { PasswordKey } from "./password-key.ts";

/** Who may come in, and what it takes to find out. */
export interface IdentifyParts {
  readonly service: string;
  readonly accounts: AccountSource;
  readonly passwords: KnownPasswords;
  readonly key: PasswordKey;
  /** Whether `root` may log in at all. */
  readonly allowsRoot: boolean;
  randomBytes(count: number): Buffer;
  /** What an address resolves to, confirmed; undefined: nothing, or nobody looks. */
  nameOf(address: string): Promise<string | undefined>;
  /** A client without TLS has sent its password in the clear, of its own accord. */
  onExposedPassword(user: string, host: string): void;
}

/** The connection on which a client says who it is. */
export interface ClientConnection {
  readonly channel: LoginChannel;
  /** undefined: over a unix socket. */
  readonly address: string | undefined;
  readonly capabilities: number;
  /** undefined: not encrypted. */
  readonly tls: ClientTls | undefined;
}

/** What a client claims to be. */
export type Claim = Pick<ClientIdentity, "user" | "database" | "characterSet" | "attributes">;

export type Identification =
  | { readonly kind: "ok"; readonly identity: ClientIdentity }
  /** `isGuess`: by a wrong name or password, and not by something that is right but not allowed. */
  | { readonly kind: "refused"; readonly error: WireError; readonly isGuess: boolean };

type Admission =
  | {
      readonly kind: "ok";
      readonly account: Account;
      readonly accounts: Accounts;
      readonly credential: Credential;
    }
  | { readonly kind: "refused"; readonly error: WireError; readonly isGuess: boolean };

/** The host of a client in errors and logs. */
export const hostText = (address: string | undefined): string => address ?? "localhost";

/**
 * Finds out whether a client is who it claims to be, and may come in. What is refused by the accounts as they are known is tried once more
 * with newer ones. Rejects with LoginBroken where the client does not go on.
 */
export async function identifyClient(
  claim: Claim,
  first: FirstProof,
  connection: ClientConnection,
  parts: IdentifyParts,
): Promise<Identification> {
  const { channel, capabilities, address, tls } = connection;
  const { passwords, key, randomBytes } = parts;
  const isPrivate = tls !== undefined || address === undefined;
  const proof = new ClientProof(first, {
    channel,
    capabilities,
    isPrivate,
    passwords,
    key,
    randomBytes,
    onExposedPassword: () => parts.onExposedPassword(claim.user, hostText(address)),
  });
  const before = parts.accounts.current;
  let admission = await admit(claim, proof, connection, parts);
  if (admission.kind === "refused") {
    await parts.accounts.refresh();
    if (parts.accounts.current !== before) admission = await admit(claim, proof, connection, parts);
  }
  if (admission.kind === "refused") return admission;
  const { account, credential } = admission;
  return {
    kind: "ok",
    identity: {
      ...claim,
      host: hostText(address),
      account: accountName(account),
      credential,
      maxUserConnections: account.maxUserConnections,
      isExpired: account.isExpired,
    },
  };
}

async function admit(
  claim: Claim,
  proof: ClientProof,
  connection: ClientConnection,
  parts: IdentifyParts,
): Promise<Admission> {
  const accounts = parts.accounts.current;
  const { user } = claim;
  const host = hostText(connection.address);
  const refused = (error: WireError, isGuess = false): Admission => ({ kind: "refused", error, isGuess });
  const denied = (): Admission => refused(accessDenied(user, host, proof.isUsingPassword), true);
  if (accounts === undefined) return refused(noAccounts(parts.service));
  if (user === "root" && !parts.allowsRoot) return denied();
  const from = await clientHost(accounts, user, connection.address, parts);
  const account = matchAccount(accounts, user, from);
  if (account === undefined) return denied();
  const outcome = await proof.against(account);
  if (outcome.kind !== "proven") {
    const error = unproven(outcome, user, host);
    return error === undefined ? denied() : refused(error);
  }
  if (!fulfils(account.tls, connection.tls)) return denied();
  if (account.isLocked) return refused(accountLocked(accounts.flavour, user, host));
  const maySandbox =
    accounts.sandboxesAll || hasFlag(connection.capabilities, CLIENT.CAN_HANDLE_EXPIRED_PASSWORDS);
  if (account.isExpired && !maySandbox) return refused(passwordExpired());
  const { database } = claim;
  if (database !== undefined && !mayUseDatabase(accounts, account, from, database))
    return refused(databaseDenied(user, host, database));
  return { kind: "ok", account, accounts, credential: outcome.credential };
}

/** undefined: simply denied. */
function unproven(
  outcome: Exclude<ProofOutcome, { kind: "proven" }>,
  user: string,
  host: string,
): WireError | undefined {
  switch (outcome.kind) {
    case "denied":
      return undefined;
    case "client too old":
      return tooOldForPlugin();
    case "plugin":
      // The server looks at the user of the client's process, which nobody can show over a proxy.
      return outcome.plugin === "unix_socket" || outcome.plugin === "auth_socket"
        ? accessDeniedNoPassword(user, host)
        : pluginNotLoaded(outcome.plugin);
  }
}

/** Names are looked up only where an account of that user has one. */
async function clientHost(
  accounts: Accounts,
  user: string,
  address: string | undefined,
  { nameOf }: IdentifyParts,
): Promise<ClientHost> {
  if (address === undefined) return { address, name: "localhost" };
  if (!accounts.resolvesNames) return { address, name: undefined };
  if (/^(127\.|::1$)/.test(address)) return { address, name: "localhost" };
  const isNeeded = accounts.accounts.some(
    (account) => (account.user === user || account.user === "") && isHostName(account.host),
  );
  return { address, name: isNeeded ? await nameOf(address) : undefined };
}

function fulfils(requirement: TlsRequirement, tls: ClientTls | undefined): boolean {
  switch (requirement.kind) {
    case "none":
      return true;
    case "any":
      return tls !== undefined;
    case "x509":
      return tls?.peer?.isVerified === true;
    case "specified": {
      if (tls?.peer?.isVerified !== true) return false;
      const { cipher, issuer, subject } = requirement;
      return (
        (cipher === "" || cipher === tls.cipher) &&
        (issuer === "" || issuer === tls.peer.issuer) &&
        (subject === "" || subject === tls.peer.subject)
      );
    }
  }
}
