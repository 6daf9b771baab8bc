import {
  BEGIN,
  HINT_LAST,
  HINT_MASTER,
  HINT_OTHER,
  HINT_SERVER,
  HINTS,
  LAST,
  READ,
  ROUTES,
  SESSION,
  USER_VARIABLE_READ,
} from "../../sql/statement-flags.ts";
import type { SessionFacts } from "./session-facts.ts";

/**
 * Where a command goes.
 *   primary      the one server that takes writes
 *   reader       a replica, or the primary where it reads as well or no replica is left
 *   everywhere   all servers that the session is connected to; the primary's answer counts
 *   transaction  the server of the open transaction
 *   last         the server of the statement before
 *   named        the server that a hint names, if it may be used
 */
export type Destination = "primary" | "reader" | "everywhere" | "transaction" | "last" | "named";

/** Where a statement goes. `flags`: classify(). Pure. */
export function destinationOf(
  flags: number,
  facts: SessionFacts,
  rules: { readonly readVariablesOnPrimary: boolean },
): Destination {
  const route = flags & ROUTES;
  if (route === SESSION && !facts.isPinned) return "everywhere";
  if (facts.transaction !== undefined) return "transaction";
  if (facts.needsPrimary) return "primary";
  if (route === LAST) return "last";
  if (route !== READ) return "primary";
  if ((flags & BEGIN) !== 0 && facts.isNextPrepared) return "primary";
  if ((flags & USER_VARIABLE_READ) !== 0 && (facts.hasPrimaryVariables || rules.readVariablesOnPrimary))
    return "primary";
  return (flags & HINTS) === 0 ? "reader" : hinted(flags);
}

function hinted(flags: number): Destination {
  switch (flags & HINTS) {
    case HINT_MASTER:
      return "primary";
    case HINT_LAST:
      return "last";
    case HINT_SERVER:
    case HINT_OTHER:
      return "named";
    default:
      return "reader";
  }
}
