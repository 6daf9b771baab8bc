import { SluiceError } from "../../errors/sluice-error.ts";
import { TOKEN_COOKIE } from "../auth/authenticator.ts";
import type { Query, Route } from "../http/route.ts";

const DEFAULT_SECONDS = 28_800;

export const AUTH_ROUTES: readonly Route[] = [
  {
    method: "GET",
    path: "/v1/auth",
    summary: "A token (JWT) for Authorization: Bearer, until the daemon restarts or the password changes.",
    access: "read",
    query: {
      "max-age": `seconds it holds; ${DEFAULT_SECONDS} if not given, at most admin_jwt_max_age`,
      persist: "yes: set it as a cookie, too, which scripts cannot read",
    },
    answer: "document",
    handle: ({ identity, query, isEncrypted, make }, { tokens, control }) => {
      if (identity.login === undefined) {
        throw new SluiceError(
          "REFUSED",
          "a token is given for an account; who needs none here needs no token",
        );
      }
      const longest = Math.floor(control.configuration().sluice.parameters.admin_jwt_max_age / 1000);
      const seconds = Math.min(wishedAge(query), longest);
      const token = tokens.issue(identity.login, seconds);
      const secure = isEncrypted ? "; Secure" : "";
      const cookie = `${TOKEN_COOKIE}=${token}; Path=/; Max-Age=${seconds}; SameSite=Strict; HttpOnly${secure}`;
      const document = { meta: { token }, links: { self: make.link("auth") } };
      return { kind: "document", document, headers: query.isSet("persist") ? { "set-cookie": cookie } : {} };
    },
  },
];

/** As MaxScale does, what is no positive number is passed over. */
function wishedAge(query: Query): number {
  const text = query.get("max-age") ?? "";
  return /^[1-9]\d{0,9}$/.test(text) ? Number(text) : DEFAULT_SECONDS;
}
