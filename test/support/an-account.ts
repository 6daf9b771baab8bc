import type { Account } from "../../src/topology/accounts.ts";

/** An account that may log in from anywhere, and has no way in and no rights. */
export function anAccount(user: string, more: Partial<Account> = {}): Account {
  return {
    user,
    host: "%",
    methods: [],
    isLocked: false,
    isExpired: false,
    tls: { kind: "none" },
    maxUserConnections: 0,
    mayUseAll: false,
    defaultRoles: [],
    ...more,
  };
}
