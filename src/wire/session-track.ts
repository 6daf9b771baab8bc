import { ByteReader } from "./byte-reader.ts";

/** A change of the session's state, as an OK packet tells it. */
export type StateChange =
  | { readonly kind: "variable"; readonly name: string; readonly value: string }
  | { readonly kind: "schema"; readonly database: string }
  /** Something that no other kind covers changed: the session is not as it was after login. */
  | { readonly kind: "state"; readonly hasChanged: boolean }
  | { readonly kind: "gtids"; readonly gtids: string }
  /** The statements that would begin the transaction anew. */
  | { readonly kind: "transaction characteristics"; readonly statements: string }
  /** Eight letters, `_` for what is not so; the first tells whether a transaction is open (T, I) or not (_). */
  | { readonly kind: "transaction state"; readonly state: string };

const VARIABLES = 0;
const SCHEMA = 1;
const STATE = 2;
const GTIDS = 3;
const CHARACTERISTICS = 4;
const TRANSACTION_STATE = 5;

/** All changes in order; kinds that are not known are passed over. Throws MalformedPacket. */
export function readSessionTrack(track: Buffer): readonly StateChange[] {
  const reader = new ByteReader(track, "session track");
  const changes: StateChange[] = [];
  while (reader.remaining > 0) {
    const type = reader.uint8();
    readChanges(type, new ByteReader(reader.lengthEncodedBytes(), "session track"), changes);
  }
  return changes;
}

function readChanges(type: number, data: ByteReader, changes: StateChange[]): void {
  const text = (): string => data.lengthEncodedBytes().toString();
  switch (type) {
    case VARIABLES:
      // MariaDB puts several pairs into one entry.
      while (data.remaining > 0) changes.push({ kind: "variable", name: text(), value: text() });
      return;
    case SCHEMA:
      changes.push({ kind: "schema", database: text() });
      return;
    case STATE:
      changes.push({ kind: "state", hasChanged: text() === "1" });
      return;
    case GTIDS:
      // One byte tells how the list is written; there is one way only so far.
      data.skip(1);
      changes.push({ kind: "gtids", gtids: text() });
      return;
    case CHARACTERISTICS:
      changes.push({ kind: "transaction characteristics", statements: text() });
      return;
    case TRANSACTION_STATE:
      changes.push({ kind: "transaction state", state: text() });
  }
}
