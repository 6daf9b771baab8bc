/** What the first packet of each side tells to one that only looks on. Undefined: it is not there, or not all of it is. */

const HEADER_BYTES = 4;
const PROTOCOL_10 = 10;
const CLIENT_PROTOCOL_41 = 0x200;
const CLIENT_SSL = 0x800;
// capabilities 4, largest packet 4, character set 1, filler 23
const USER_OFFSET = HEADER_BYTES + 32;
const MAX_USER_BYTES = 128 * 4;

/** The server's own number of the connection, from its greeting. */
export function connectionIdOf(greeting: Buffer): number | undefined {
  if (greeting[HEADER_BYTES] !== PROTOCOL_10) return undefined;
  const versionEnd = greeting.indexOf(0, HEADER_BYTES + 1);
  if (versionEnd < 0 || greeting.length < versionEnd + 5) return undefined;
  return greeting.readUInt32LE(versionEnd + 1);
}

/** The account's name from a login in plain text; a client that asks for TLS tells it in secret. */
export function userOf(login: Buffer): string | undefined {
  if (login.length <= USER_OFFSET) return undefined;
  const capabilities = login.readUInt32LE(HEADER_BYTES);
  const bodyBytes = login.readUIntLE(0, 3);
  if ((capabilities & CLIENT_PROTOCOL_41) === 0 || bodyBytes <= 32) return undefined;
  if ((capabilities & CLIENT_SSL) !== 0 && bodyBytes === 32) return undefined;
  const end = login.indexOf(0, USER_OFFSET);
  if (end < 0 || end - USER_OFFSET > MAX_USER_BYTES) return undefined;
  return login.toString("utf8", USER_OFFSET, end);
}
