import type { FoundSession } from "./split-host.ts";
import type { SplitSession } from "./split-session.ts";

/** A session as one who wants to end it has to see it. */
export function foundSession({ id, client, legs }: SplitSession): FoundSession {
  return {
    id,
    user: client.user,
    connections: legs.map((leg) => ({
      server: leg.server.name,
      connectionId: leg.connectionId,
      isBusy: !leg.isIdle,
    })),
  };
}
