import type { Secret } from "../../config/secret.ts";
import { text } from "../../config/values/text.ts";
import { option } from "../command.ts";
import type { Fleet } from "./fleet.ts";
import { readSecretLine } from "./secret-file.ts";

export const NEW_PASSWORD_FILE = {
  "new-password-file": option(
    "file",
    text("a file"),
    "file of mode 0600 whose first line is the new password, instead of asking; -: standard input",
  ),
} as const;

/** The password that an account is to have. */
export async function newPassword(
  values: { readonly "new-password-file": string | undefined },
  account: string,
  fleet: Fleet,
): Promise<Secret> {
  const file = values["new-password-file"];
  if (file !== undefined) return readSecretLine(file);
  return await fleet.askNewSecret(`New password of ${account}`, "give it with --new-password-file FILE");
}
