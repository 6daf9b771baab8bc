import type { Login } from "../../client/rest/login.ts";
import { type FileAccess, REAL_FILES } from "../../config/file-access.ts";
import { Secret } from "../../config/secret.ts";
import { SluiceError } from "../../errors/sluice-error.ts";
import type { FleetOptions } from "./fleet-options.ts";
import type { FileOptions } from "./option-file.ts";
import type { AskSecret } from "./prompt.ts";
import { readSecretLine } from "./secret-file.ts";

/**
 * Who the command says it is: the command line's token or account, else the option file's. A password comes from its file,
 * from the option file, or from the person at the terminal. Nobody at all is possible: a daemon may ask for no account.
 */
export async function obtainLogin(
  options: Pick<FleetOptions, "user" | "password-file" | "token-file">,
  file: FileOptions,
  ask: AskSecret,
  files: FileAccess = REAL_FILES,
): Promise<Login> {
  const namesAccount = options.user !== undefined || options["password-file"] !== undefined;
  const tokenFile = options["token-file"] ?? (namesAccount ? undefined : file.token_file);
  if (tokenFile !== undefined) return { kind: "bearer", token: readSecretLine(tokenFile, files) };
  const ofFile = options.user === undefined || options.user === file.user ? file : {};
  const passwordFile = options["password-file"] ?? ofFile.password_file;
  const user = options.user ?? file.user ?? DEFAULT_USER;
  if (passwordFile !== undefined) return basic(user, readSecretLine(passwordFile, files));
  if (ofFile.password !== undefined) return basic(user, new Secret(ofFile.password));
  if (options.user === undefined && file.user === undefined) return { kind: "none" };
  const password = await ask(`Password of ${user}`);
  if (password !== undefined) return basic(user, password);
  throw new SluiceError(
    "LOGIN_FAILED",
    `there is no terminal to ask for the password of ${user}: give it with --password-file FILE or in ~/.sluice.cnf`,
  );
}

/** The account that a daemon makes on its first start. */
const DEFAULT_USER = "admin";

const basic = (user: string, password: Secret): Login => ({ kind: "basic", user, password });
