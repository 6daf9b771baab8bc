import { SluiceError } from "../errors/sluice-error.ts";
import type { Policy } from "../verdict/policy.ts";

export interface ServerKind {
  readonly isMariaDb: boolean;
  readonly version: readonly [major: number, minor: number, patch: number];
}

export interface Account {
  readonly user: string;
  readonly host: string;
}

/** As servers print it: `10.11.6-MariaDB`, `8.0.36-28`. Throws USAGE for what is no version. */
export function parseServerKind(text: string): ServerKind {
  const [, major, minor, patch] = /^(?:5\.5\.5-)?(\d+)\.(\d+)(?:\.(\d+))?/.exec(text) ?? [];
  if (major === undefined || minor === undefined) {
    throw new SluiceError(
      "USAGE",
      `--server-version ${text.slice(0, 40)} is not a version; expected what SELECT VERSION() prints, such as 10.11.6-MariaDB or 8.0.36`,
    );
  }
  const version = [Number(major), Number(minor), Number(patch ?? 0)] as const;
  // MySQL has never had a version from 10 to 12; it is at 8 and 9.
  return { isMariaDb: /mariadb/i.test(text) || version[0] >= 10, version };
}

/** `'user'@'host'`, quoted in any way or not at all; a user alone is at localhost. Throws USAGE. */
export function parseAccount(text: string): Account {
  const [, user, host] = /^(.*?)(?:@([^@]*))?$/s.exec(text) ?? [];
  const account = { user: unquote(user ?? ""), host: unquote(host ?? "localhost") };
  if (account.user !== "" && account.host !== "") return account;
  throw new SluiceError("USAGE", `--account ${text.slice(0, 80)} is not an account; expected 'user'@'host'`);
}

/** What a profile's statements need beyond a login. Variables and status are everybody's; only replication is not. */
export function leastPrivilege(profile: Policy["profile"], kind: ServerKind): string {
  if (profile === "galera" || profile === "standalone" || profile === "connector") return "USAGE";
  if (!kind.isMariaDb || !isAtLeast(kind, 10, 5, 0)) return "REPLICATION CLIENT";
  // For nine releases SHOW SLAVE STATUS wanted the privilege to stop replication, too.
  return isAtLeast(kind, 10, 5, 9) ? "SLAVE MONITOR" : "REPLICATION SLAVE ADMIN";
}

/** The statements that make the account; `password` undefined leaves a gap that no server accepts as it stands. */
export function accountSql(
  account: Account,
  privilege: string,
  kind: ServerKind,
  password: string | undefined,
): readonly string[] {
  const name = `${sqlText(account.user)}@${sqlText(account.host)}`;
  const identified = `IDENTIFIED BY ${password === undefined ? "<password in quotes>" : sqlText(password)}`;
  const grant = `GRANT ${privilege} ON *.* TO ${name}`;
  const knowsIfNotExists = kind.isMariaDb ? isAtLeast(kind, 10, 1, 3) : isAtLeast(kind, 5, 7, 6);
  if (!knowsIfNotExists) return [`${grant} ${identified};`];
  return [`CREATE USER IF NOT EXISTS ${name} ${identified};`, `${grant};`];
}

function isAtLeast({ version }: ServerKind, ...wanted: readonly [number, number, number]): boolean {
  for (const [i, want] of wanted.entries()) {
    const have = version[i] ?? 0;
    if (have !== want) return have > want;
  }
  return true;
}

const sqlText = (text: string): string => `'${text.replace(/\\/g, "\\\\").replace(/'/g, "''")}'`;
const unquote = (text: string): string => /^(['"`])(.*)\1$/s.exec(text)?.[2] ?? text;
