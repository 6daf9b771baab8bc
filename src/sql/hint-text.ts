import { isBlank } from "./ascii.ts";
import { HINT_LAST, HINT_MASTER, HINT_OTHER, HINT_SERVER, HINT_SLAVE } from "./statement-flags.ts";

/** The HINT_ that a comment's text holds, 0 for one that is no hint. @param from its first byte that is no blank */
export function hintIn(bytes: Uint8Array, from: number, to: number): number {
  let at = behindWord(bytes, from, to, "maxscale");
  if (at < 0) at = behindWord(bytes, from, to, "sluice");
  if (at < 0 || at >= to) return 0;
  const route = behindWord(bytes, at, to, "route");
  const target = route < 0 ? -1 : behindWord(bytes, route, to, "to");
  if (target < 0) return HINT_OTHER;
  if (isOneOf(bytes, target, to, "master", "primary")) return HINT_MASTER;
  if (isOneOf(bytes, target, to, "slave", "replica")) return HINT_SLAVE;
  if (isOneOf(bytes, target, to, "last", "last")) return HINT_LAST;
  return isOneOf(bytes, target, to, "server", "server") ? HINT_SERVER : HINT_OTHER;
}

const isOneOf = (bytes: Uint8Array, at: number, to: number, one: string, other: string): boolean =>
  behindWord(bytes, at, to, one) >= 0 || behindWord(bytes, at, to, other) >= 0;

/** Behind the word (lower case) and the blanks that follow it; -1 where it does not stand here, in any case of letters. */
function behindWord(bytes: Uint8Array, from: number, to: number, word: string): number {
  let at = from + word.length;
  if (at > to) return -1;
  for (let i = 0; i < word.length; i++)
    if (((bytes[from + i] as number) | 0x20) !== word.charCodeAt(i)) return -1;
  if (at < to && !isBlank(bytes[at] as number)) return -1;
  while (at < to && isBlank(bytes[at] as number)) at++;
  return at;
}
