import type { WireError } from "../../wire/error-packet.ts";
import type { Command } from "./command.ts";
import type { ServerLeg } from "./server-leg.ts";
import type { SplitServer } from "./split-server.ts";

/** ER_CONNECTION_KILLED. 2013 would say it best, but MariaDB's clients take a number of their own from a server for a broken packet. */
export const LOST = { errno: 1927, sqlState: "70100" } as const;

export const NOT_CARRIED: WireError = {
  errno: 1105,
  sentence: "The user variables that were set on a replica cannot be told to the other servers",
};

/** @param reason a clause after the server's name */
export const lostError = ({ name }: SplitServer, reason: string): WireError => ({
  ...LOST,
  sentence: `Lost connection to server ${name} during query: it ${reason}`,
});

/** A Galera node that has lost its cluster executes nothing, until it has it again. */
export const NOT_READY: WireError = {
  errno: 1047,
  sentence: "WSREP has not yet prepared node for application use",
};

/** A Galera node has refused what another one may do. */
export const isNotReady = ({ server, reply }: ServerLeg, command: Command): boolean =>
  reply.errno === NOT_READY.errno &&
  server.target.isGalera &&
  command.isRepeatable &&
  (command.destination === "reader" || command.destination === "primary");

/** ER_CON_COUNT_ERROR, ER_SERVER_SHUTDOWN, ER_HOST_IS_BLOCKED, ER_TOO_MANY_USER_CONNECTIONS, ER_USER_LIMIT_REACHED */
const PASSING: ReadonlySet<number> = new Set([1040, 1053, 1129, 1203, 1226]);

/** Whether a server that refuses a login so has no place at this moment; otherwise the account is not let in. */
export const isPassingRefusal = ({ errno }: WireError): boolean => PASSING.has(errno);
