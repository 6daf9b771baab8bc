/** Bytes that mean something in a statement. */
const TAB = 0x09;
export const LINE_FEED = 0x0a;
const RETURN = 0x0d;
export const SPACE = 0x20;
export const EXCLAMATION = 0x21;
export const DOUBLE_QUOTE = 0x22;
export const HASH = 0x23;
export const QUOTE = 0x27;
export const PARENTHESIS_OPEN = 0x28;
export const PARENTHESIS_CLOSE = 0x29;
export const STAR = 0x2a;
export const PLUS = 0x2b;
export const COMMA_BYTE = 0x2c;
export const DASH = 0x2d;
export const POINT = 0x2e;
export const SLASH = 0x2f;
export const COLON = 0x3a;
export const SEMICOLON_BYTE = 0x3b;
export const EQUALS = 0x3d;
export const AT = 0x40;
export const BACKSLASH = 0x5c;
export const BACKTICK = 0x60;
export const CAPITAL_M = 0x4d;
export const SMALL_B = 0x62;
export const SMALL_E = 0x65;
export const SMALL_X = 0x78;
export const HIGH = 0x80;

/** A blank, tabulator, or line or page end. */
export const isBlank = (byte: number): boolean => byte === SPACE || (byte >= TAB && byte <= RETURN);
