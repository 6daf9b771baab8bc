import { describe, expect, test } from "bun:test";
import { CLIENT } from "../../wire/capability.ts";
import { PLAIN_OK, writeOk } from "../../wire/ok-packet.ts";
import { toldGtids } from "./told-gtids.ts";

const GTIDS = 3;
const SCHEMA = 1;
const ONE = "3e11fa47-71ca-11e1-9e33-c80aa9429562:23";
const TAGGED = "3e11fa47-71ca-11e1-9e33-c80aa9429562:tag:5";

/** Texts are short here: each length is one byte. */
const withLength = (bytes: Uint8Array): Buffer => Buffer.from([bytes.length, ...bytes]);
const change = (type: number, data: Uint8Array): Buffer => Buffer.from([type, ...withLength(data)]);
const gtids = (text: string): Buffer => change(GTIDS, Buffer.from([0, ...withLength(Buffer.from(text))]));
const ok = (...changes: Buffer[]): Buffer =>
  writeOk({ ...PLAIN_OK, sessionTrack: Buffer.concat(changes) }, CLIENT.SESSION_TRACK);

describe("GTIDs that an OK packet tells", () => {
  test("among other changes, with tags", () => {
    const schema = change(SCHEMA, withLength(Buffer.from("app")));
    expect(toldGtids(ok(schema, gtids(ONE)), CLIENT.SESSION_TRACK)).toBe(ONE);
    expect(toldGtids(ok(gtids(TAGGED)), CLIENT.SESSION_TRACK)).toBe(TAGGED);
    expect(toldGtids(ok(schema), CLIENT.SESSION_TRACK)).toBe("");
  });

  test("nothing of what is not one, as it goes into a statement", () => {
    expect(toldGtids(ok(gtids("x', 1) OR ('")), CLIENT.SESSION_TRACK)).toBe("");
    expect(toldGtids(ok(gtids(ONE)).subarray(0, -3), CLIENT.SESSION_TRACK)).toBe("");
  });
});
