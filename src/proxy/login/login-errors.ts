import { CANNOT_CONNECT, type WireError } from "../../wire/error-packet.ts";

/** What a client is told where a login does not succeed: numbers and sentences as the servers have them, so that clients know them. */
const error = (errno: number, sentence: string): WireError => ({ errno, sentence });

export const accessDenied = (user: string, host: string, isUsingPassword: boolean): WireError =>
  error(
    1045,
    `Access denied for user '${user}'@'${host}' (using password: ${isUsingPassword ? "YES" : "NO"})`,
  );

export const accessDeniedNoPassword = (user: string, host: string): WireError =>
  error(1698, `Access denied for user '${user}'@'${host}'`);

export const databaseDenied = (user: string, host: string, database: string): WireError =>
  error(1044, `Access denied for user '${user}'@'${host}' to database '${database}'`);

export const accountLocked = (flavour: "mariadb" | "mysql", user: string, host: string): WireError =>
  flavour === "mariadb"
    ? error(4151, "Access denied, this account is locked")
    : error(3118, `Access denied for user '${user}'@'${host}'. Account is locked.`);

export const passwordExpired = (): WireError =>
  error(
    1862,
    "Your password has expired. To log in you must change it using a client that supports expired passwords.",
  );

export const tooOldForPlugin = (): WireError =>
  error(
    1251,
    "Client does not support authentication protocol requested by server; consider upgrading MariaDB client",
  );

export const pluginNotLoaded = (plugin: string): WireError => error(1524, `Plugin '${plugin}' is not loaded`);

export const hostBlocked = (host: string): WireError =>
  error(1129, `Host '${host}' is blocked because of too many failed logins; it may try again in a minute`);

export const tooManyLogins = (): WireError => error(1040, "Too many connections");

export const tooManyOfUser = (user: string): WireError =>
  error(1203, `User ${user} already has more than 'max_user_connections' active connections`);

export const tlsRequired = (): WireError =>
  error(3159, "Connections using insecure transport are prohibited while --require_secure_transport=ON.");

export const badHandshake = (): WireError => error(1043, "Bad handshake");

export const loginTimeout = (): WireError => error(1159, "Got timeout reading communication packets");

/** The accounts could not be read from any server yet. */
export const noAccounts = (service: string): WireError =>
  error(CANNOT_CONNECT, `service ${service}: the accounts of its servers could not be read yet`);
