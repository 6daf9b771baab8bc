import * as lists from "./word-lists.ts";

/** Bits of what a word is, by its number: TRAITS[word]. */
export const IN_MARIADB = 1 << 0; // a built-in function without effect there
export const IN_MYSQL = 1 << 1;
/** In MariaDB since 11.8. */
export const IN_RECENT_MARIADB = 1 << 13;
/** In all of them. */
export const IN_BOTH = 1 << 14;
/** A built-in function with an effect. */
export const EFFECTIVE = 1 << 2;
/** May stand before a parenthesis without being a call. */
export const OPENS = 1 << 3;
/** A function only with the parenthesis right behind it. */
export const ADJACENT = 1 << 4;
/** A function or system variable whose value depends on the server or the moment. */
export const VARYING = 1 << 5;
export const PRIMARY_VARIABLE = 1 << 6;
export const STATEMENT_VARIABLE = 1 << 7;
export const TRANSACTION_VARIABLE = 1 << 8;
export const MODE_VARIABLE = 1 << 9;
export const SHOWN_BY_ALL = 1 << 10;
export const SHOWN_OF_LAST = 1 << 11;
/** May make a write of what looks like a read. */
export const ALERT = 1 << 12;

const ALERTS = [
  "COLUMNS",
  "CONNECTION",
  "DELETE",
  "FOR",
  "INTO",
  "LOCK",
  "SELECT",
  "SHARE",
  "TABLE",
  "UPDATE",
  "VALUES",
];

const numbers = new Map<string, number>();
const traits: number[] = [0];

function note(names: readonly string[], trait: number): void {
  for (const name of names) {
    const word = numbers.get(name) ?? traits.length;
    numbers.set(name, word);
    traits[word] = (traits[word] ?? 0) | trait;
  }
}

note(lists.KEYWORDS, 0);
note(lists.FUNCTIONS.both, IN_MARIADB | IN_MYSQL | IN_BOTH);
note(lists.FUNCTIONS.mariadb, IN_MARIADB);
note(lists.FUNCTIONS.recentMariadb, IN_RECENT_MARIADB);
note(lists.FUNCTIONS.mysql, IN_MYSQL);
note(lists.FUNCTIONS.varying, VARYING);
note(lists.EFFECTIVE_FUNCTIONS, EFFECTIVE);
note(lists.ADJACENT_FUNCTIONS, ADJACENT);
note(lists.BEFORE_PARENTHESIS, OPENS);
note(lists.PRIMARY_VARIABLES, PRIMARY_VARIABLE | VARYING);
note(lists.STATEMENT_VARIABLES, STATEMENT_VARIABLE | VARYING);
note(lists.VARYING_VARIABLES, VARYING);
note(lists.TRANSACTION_VARIABLES, TRANSACTION_VARIABLE);
note(lists.MODE_VARIABLES, MODE_VARIABLE);
note(lists.SHOWN_BY_ALL, SHOWN_BY_ALL);
note(lists.SHOWN_OF_LAST, SHOWN_OF_LAST);
note(ALERTS, ALERT);

export const TRAITS = Uint16Array.from(traits);

type Keyword = (typeof lists.KEYWORDS)[number];

/** The numbers of the keywords: W.SELECT. 0 is no word. */
export const W = Object.freeze(Object.fromEntries(numbers)) as Readonly<Record<Keyword, number>>;

/** 0 for bytes that no unquoted name contains; else the byte, letters in lower case. High bytes are 0: see Lexer. */
export const FOLD = Uint8Array.from({ length: 256 }, (_, byte) =>
  byte < 128 && /[A-Za-z0-9_$]/.test(String.fromCharCode(byte)) ? byte | 0x20 : 0,
);

/** The next value of a word's hash, byte by byte. */
export const hashOn = (hash: number, folded: number): number => (Math.imul(hash, 31) + folded) | 0;

const SLOT_BITS = 12;
const SLOT_MASK = (1 << SLOT_BITS) - 1;
const slots = new Uint16Array(1 << SLOT_BITS);
const lengths = new Uint8Array(traits.length);
const starts = new Uint16Array(traits.length);
const texts = Buffer.from([...numbers.keys()].join(""), "latin1").map((byte) => byte | 0x20);

let start = 0;
let longest = 0;
for (const [name, word] of numbers) {
  starts[word] = start;
  lengths[word] = name.length;
  longest = Math.max(longest, name.length);
  let hash = 0;
  for (let at = start; at < start + name.length; at++) hash = hashOn(hash, texts[at] as number);
  let slot = slotOf(hash);
  while (slots[slot] !== 0) slot = (slot + 1) & SLOT_MASK;
  slots[slot] = word;
  start += name.length;
}

function slotOf(hash: number): number {
  return (hash ^ (hash >>> SLOT_BITS)) & SLOT_MASK;
}

/** The number of the word in bytes[from, to), 0 where it is not known. */
export function wordAt(bytes: Uint8Array, from: number, to: number, hash: number): number {
  const length = to - from;
  if (length > longest) return 0;
  for (let slot = slotOf(hash); ; slot = (slot + 1) & SLOT_MASK) {
    const word = slots[slot] as number;
    if (word === 0 || (lengths[word] === length && isText(bytes, from, starts[word] as number, length)))
      return word;
  }
}

function isText(bytes: Uint8Array, from: number, text: number, length: number): boolean {
  for (let at = 0; at < length; at++)
    if (((bytes[from + at] as number) | 0x20) !== texts[text + at]) return false;
  return true;
}
