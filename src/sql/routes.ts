import {
  DEALLOCATE_TEXT,
  LAST,
  PIN,
  PREPARE_TEXT,
  READ,
  ROUTES,
  SESSION,
  SET,
  USE,
  USER_VARIABLE_WRITE,
  WRITE,
} from "./statement-flags.ts";

/** The flags with exactly one route: the most careful of those in them. */
export function routed(flags: number): number {
  const rest = flags & ~ROUTES;
  if (flags & WRITE) return rest | WRITE;
  return rest | (flags & LAST ? LAST : READ);
}

const OF_SESSION = SET | USE | PREPARE_TEXT | DEALLOCATE_TEXT;

/**
 * The flags with the route that is right whatever the statement is. What would have gone to all servers goes to the primary, which
 * then is the only one that knows it; user variables have a rule of their own for that.
 */
export function careful(flags: number): number {
  const isForVariablesOnly = (flags & USER_VARIABLE_WRITE) !== 0 && (flags & OF_SESSION) === 0;
  const pin = flags & SESSION && !isForVariablesOnly ? PIN : 0;
  return (flags & ~ROUTES) | WRITE | pin;
}
