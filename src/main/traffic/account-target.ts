import type { ServerObject, ServiceObject } from "../../config/configuration.ts";
import { keepingLast, readPasswordFile } from "../../config/connection.ts";
import type { FileAccess } from "../../config/file-access.ts";
import type { Decrypt } from "../../config/secrets.ts";
import { SluiceError } from "../../errors/sluice-error.ts";
import type { DatabaseTarget } from "../../probe/database/target.ts";
import { clientOptionsOf, tlsOf } from "../runtime/plan-servers.ts";

/** How the accounts of a server are read for a service: with the service's own account. Throws CONFIG_INVALID or IO_FAILED. */
export function accountTarget(
  server: ServerObject,
  { name, parameters: p }: ServiceObject,
  files: FileAccess,
  decrypt: Decrypt,
): DatabaseTarget {
  const optionFile = p.defaults_extra_file;
  const fromFile = optionFile === undefined ? undefined : clientOptionsOf(optionFile, files);
  const user = p.user ?? fromFile?.user;
  if (user === undefined)
    throw new SluiceError(
      "CONFIG_INVALID",
      `[${name}] has no account to read the servers' accounts with: give user and password, or defaults_extra_file`,
    );
  const read = (): string | undefined => {
    if (p.password !== undefined) return decrypt(p.password).reveal();
    if (p.password_file !== undefined) return readPasswordFile(p.password_file, files).reveal();
    return optionFile === undefined ? undefined : clientOptionsOf(optionFile, files).password?.reveal();
  };
  const { address = "", port, socket, ssl } = server.parameters;
  return Object.freeze({
    endpoint:
      socket === undefined
        ? { kind: "tcp" as const, host: address, port }
        : { kind: "socket" as const, path: socket },
    user,
    password: keepingLast(read),
    tls: ssl ? tlsOf(server, files) : undefined,
    database: undefined,
    checkQuery: undefined,
  });
}
