import { z } from "zod";
import type { FileAccess } from "../../config/file-access.ts";
import { SluiceError } from "../../errors/sluice-error.ts";
import type { Accounts } from "../../topology/accounts.ts";
import { compareAccounts } from "../../topology/match-account.ts";
import { NATIVE_PASSWORD } from "../../wire/auth/native-password.ts";

const host = z.string().default("%");
/** The form that MaxScale's user_accounts_file has; what is of no use here (super_priv, proxy_priv) is let pass. */
const ACCOUNTS_FILE = z.object({
  user: z
    .array(
      z.looseObject({
        user: z.string(),
        host,
        password: z.string().default(""),
        plugin: z.string().default(NATIVE_PASSWORD),
        authentication_string: z.string().default(""),
        default_role: z.string().default(""),
        global_db_priv: z.boolean().default(false),
        is_role: z.boolean().default(false),
      }),
    )
    .default([]),
  db: z.array(z.looseObject({ user: z.string(), host, db: z.string() })).default([]),
  roles_mapping: z.array(z.looseObject({ user: z.string(), host, role: z.string() })).default([]),
});

type FileUser = z.infer<typeof ACCOUNTS_FILE>["user"][number];

/** Accounts that a file lists. Throws IO_FAILED or CONFIG_INVALID with a sentence that names it. @param readAt ms since 1970 */
export function readAccountsFile(path: string, files: FileAccess, readAt: number): Accounts {
  const file = files.read(path);
  if (file === undefined) throw new SluiceError("IO_FAILED", `there is no ${path} (user_accounts_file)`);
  const parsed = ACCOUNTS_FILE.safeParse(jsonOf(file.text));
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    const where = issue?.path.join(".") ?? "";
    throw new SluiceError(
      "CONFIG_INVALID",
      `${path}: ${where === "" ? "" : `${where}: `}${issue?.message ?? "not what it should be"}`,
    );
  }
  const { user: users, db, roles_mapping: mapping } = parsed.data;
  const rolesOf = (name: string, from: string): readonly string[] =>
    mapping.filter((entry) => entry.user === name && entry.host === from).map(({ role }) => role);
  const isRole = new Set(users.filter((user) => user.is_role).map(({ user }) => user));
  return {
    readAt,
    server: path,
    flavour: "mariadb",
    ignoresCase: false,
    resolvesNames: true,
    sandboxesAll: false,
    accounts: users
      .filter((user) => !user.is_role)
      .map((user) => accountOf(user, rolesOf(user.user, user.host)))
      .sort(compareAccounts),
    grants: db.map((grant) => ({
      user: grant.user,
      host: isRole.has(grant.user) ? "" : grant.host,
      database: grant.db,
      isPattern: true,
    })),
    roles: users
      .filter((user) => user.is_role)
      .map((user) => ({
        name: user.user,
        mayUseAll: user.global_db_priv,
        grants: rolesOf(user.user, user.host),
      })),
    openDatabases: ["information_schema"],
  };
}

function accountOf(user: FileUser, granted: readonly string[]): Accounts["accounts"][number] {
  const kept = user.authentication_string || user.password;
  return {
    user: user.user,
    host: user.host,
    methods: [{ plugin: user.plugin, authentication: Buffer.from(kept).toString("hex") }],
    isLocked: false,
    isExpired: false,
    tls: { kind: "none" },
    maxUserConnections: 0,
    mayUseAll: user.global_db_priv,
    defaultRoles: granted.filter((role) => role === user.default_role),
  };
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
