import { SluiceError } from "../../errors/sluice-error.ts";
import type { Account, Accounts } from "../auth/accounts.ts";
import { DONE, found, type Route } from "../http/route.ts";
import { NEW_ACCOUNT_BODY, PASSWORD_BODY, parseBody } from "../json-api/body.ts";
import { dateString, type Resource, type ResourceFactory } from "../json-api/document.ts";

/** The accounts of the admin API itself: MaxScale's `users/inet`. */
export const USER_ROUTES: readonly Route[] = [
  listRoute("/v1/users", (accounts) => accounts.all()),
  listRoute("/v1/users/inet", (accounts) => accounts.all()),
  // Accounts of the operating system need none here: the unix socket lets their group in.
  listRoute("/v1/users/unix", () => []),
  {
    method: "GET",
    path: "/v1/users/inet/:name",
    summary: "One account.",
    access: "read",
    answer: "document",
    handle: ({ params, make }, { accounts }) => {
      const account = accounts.find(params["name"] ?? "");
      if (account === undefined) throw new SluiceError("NOT_FOUND", `there is no account ${params["name"]}`);
      const data = accountResource(account, accounts, make);
      return found({ data, links: data.links });
    },
  },
  {
    method: "POST",
    path: "/v1/users/inet",
    summary: "Creates an account.",
    access: "write",
    body: NEW_ACCOUNT_BODY,
    answer: "nothing",
    handle: async ({ body }, { accounts }) => {
      const { id, attributes } = parseBody(NEW_ACCOUNT_BODY, body).data;
      await accounts.create(id, attributes.account, attributes.password);
      return DONE;
    },
  },
  {
    method: "PATCH",
    path: "/v1/users/inet/:name",
    summary: "Sets an account's password; whoever uses the old one is logged out.",
    access: "write",
    body: PASSWORD_BODY,
    answer: "nothing",
    handle: async ({ params, body }, { accounts }) => {
      const { attributes } = parseBody(PASSWORD_BODY, body).data;
      const name = params["name"] ?? "";
      const kind = accounts.find(name)?.account;
      if (kind !== undefined && attributes.account !== undefined && attributes.account !== kind) {
        throw new SluiceError(
          "REFUSED",
          `${name} stays ${kind}: destroy it and create it anew to change that`,
        );
      }
      await accounts.setPassword(name, attributes.password);
      return DONE;
    },
  },
  {
    method: "DELETE",
    path: "/v1/users/inet/:name",
    summary: "Removes an account; the last administrator stays.",
    access: "write",
    answer: "nothing",
    handle: ({ params }, { accounts }) => {
      accounts.remove(params["name"] ?? "");
      return DONE;
    },
  },
];

function listRoute(path: string, read: (accounts: Accounts) => readonly Account[]): Route {
  return {
    method: "GET",
    path,
    summary: "Accounts of the admin API.",
    access: "read",
    answer: "document",
    handle: ({ make }, { accounts }) =>
      found({
        data: read(accounts).map((account) => accountResource(account, accounts, make)),
        links: { self: make.link(path.replace("/v1/", "")) },
      }),
  };
}

function accountResource(account: Account, accounts: Accounts, make: ResourceFactory): Resource {
  const { name, created, updated } = account;
  const attributes = {
    name,
    account: account.account,
    created: dateString(created),
    last_update: dateString(updated),
    last_login: dateString(accounts.lastLogin(name)),
  };
  return make.resource(`users/inet/${encodeURIComponent(name)}`, "inet", attributes);
}
