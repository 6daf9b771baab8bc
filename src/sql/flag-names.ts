import * as flags from "./statement-flags.ts";

export type FlagName = Exclude<keyof typeof flags, "ROUTES" | "HINTS">;

const ROUTE_NAMES: ReadonlySet<string> = new Set(["READ", "WRITE", "SESSION", "LAST"]);
const MASKS: ReadonlySet<string> = new Set(["ROUTES", "HINTS"]);
const NAMED = Object.entries(flags).filter((entry): entry is [FlagName, number] => !MASKS.has(entry[0]));
const isRoute = ([name]: readonly [FlagName, number]): boolean => ROUTE_NAMES.has(name);
const isHint = ([name]: readonly [FlagName, number]): boolean => name.startsWith("HINT_");

/** The names of what classify() answered: the route, then the other flags, then the hint. */
export function flagNames(answer: number): readonly FlagName[] {
  const ofBits = NAMED.filter((entry) => !isHint(entry) && (answer & entry[1]) !== 0);
  const routes = ofBits.filter(isRoute);
  const others = ofBits.filter((entry) => !isRoute(entry));
  const hints = NAMED.filter((entry) => isHint(entry) && (answer & flags.HINTS) === entry[1]);
  return [...routes, ...others, ...hints].map(([name]) => name);
}
