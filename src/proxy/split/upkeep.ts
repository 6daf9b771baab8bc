import { COMMAND } from "../../wire/command.ts";
import type { LegSet } from "./leg-set.ts";
import { PING_PACKET } from "./own-packets.ts";
import { Unheard } from "./prepare-elsewhere.ts";
import type { ServerLeg } from "./server-leg.ts";
import type { SessionContext } from "./session-context.ts";
import type { SplitHost } from "./split-host.ts";

/** Once a second: servers close connections on which nothing happens for long (connection_keepalive). */
export function keepAlive(legs: LegSet, keepaliveMs: number): void {
  if (keepaliveMs === 0) return;
  for (const leg of legs.all) {
    leg.silentLooks++;
    if (leg.silentLooks * 1000 < keepaliveMs || !leg.isIdle) continue;
    leg.silentLooks = 0;
    leg.send(PING_PACKET, new Unheard(COMMAND.PING));
  }
}

/** Lets go of connections to servers that are not to be used any more, as far as nothing depends on them. */
export function dropUnwanted(
  legs: LegSet,
  { servers, primary }: SplitHost,
  isNeeded: (leg: ServerLeg) => boolean,
): void {
  for (const leg of [...legs.all]) {
    const { server } = leg;
    const isWanted = servers.has(server.name) && (!server.target.isDraining || server === primary);
    if (!isWanted && leg.isIdle && !isNeeded(leg)) legs.drop(leg);
  }
}

/** Nothing of the session is on its server connections that a reset does not wipe out. */
export function isClean({ facts }: SessionContext): boolean {
  return facts.transaction === undefined && !facts.isBound && !facts.isReleasing && !facts.hasRole;
}

/** An idle session gives its connections to others; it gets others when it goes on (idle_session_pool_time). */
export function lend(legs: LegSet, context: SessionContext): void {
  const { facts, history, statements } = context;
  if (!isClean(context) || !facts.isAutocommit || !history.isWhole || statements.hasOpen) return;
  for (const leg of [...legs.all]) if (leg.isIdle) legs.leave(leg);
}
