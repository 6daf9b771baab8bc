import { optional, optionalSecret } from "../parameter.ts";
import { path, text } from "../values/text.ts";

/** An account on the database servers, and the places its password may come from. */
export const CREDENTIALS = {
  user: optional(text("an account name"), "Account to log in with on the servers."),
  password: optionalSecret("Its password: plain, or encrypted by `sluice secrets encrypt`."),
  password_file: optional(path(), "File that holds the password on its first line, instead of password."),
  defaults_extra_file: optional(
    path(),
    "Option file (my.cnf) whose [client] section gives user, password and TLS.",
  ),
} as const;

export const CREDENTIALS_RENAMED = { passwd: "password" } as const;
