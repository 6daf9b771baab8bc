import { classify } from "./classify.ts";
import { END, Lexer } from "./lexer.ts";
import { ROUTES } from "./statement-flags.ts";

/** Longer statements are not searched: each word costs a classification. */
const LONGEST_BYTES = 16 * 1024;

/**
 * Where a statement was decided on: bytes [from, to) of the words with which its route became what it is; undefined: from its
 * first word on, or it is too long to be searched.
 */
export function decidingWords(
  bytes: Uint8Array,
  mode: number,
): { readonly from: number; readonly to: number } | undefined {
  if (bytes.length > LONGEST_BYTES) return undefined;
  const route = classify(bytes, 0, bytes.length, mode) & ROUTES;
  const lexer = new Lexer();
  lexer.open(bytes, 0, bytes.length, mode);
  let place: { from: number; to: number } | undefined;
  let isDecided = true;
  let before = 0;
  for (let kind = lexer.next(), count = 0; kind !== END; kind = lexer.next(), count++) {
    const isSame = (classify(bytes, 0, lexer.stop, mode) & ROUTES) === route;
    // What counts is the last word before which it was something else.
    if (!isSame) place = undefined;
    else if (!isDecided) place = { from: count > 0 ? before : lexer.start, to: lexer.stop };
    isDecided = isSame;
    before = lexer.start;
  }
  return place;
}
