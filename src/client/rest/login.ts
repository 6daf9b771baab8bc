import type { Secret } from "../../config/secret.ts";

/** Who a client says it is. */
export type Login =
  | { readonly kind: "none" }
  | { readonly kind: "basic"; readonly user: string; readonly password: Secret }
  | { readonly kind: "bearer"; readonly token: Secret };

export function authorization(login: Login): { readonly authorization?: string } {
  switch (login.kind) {
    case "none":
      return {};
    case "basic": {
      const pair = `${login.user}:${login.password.reveal()}`;
      return { authorization: `Basic ${Buffer.from(pair).toString("base64")}` };
    }
    case "bearer":
      return { authorization: `Bearer ${login.token.reveal()}` };
  }
}
