// Whatever bytes come, a parser of the protocol reads them or says MalformedPacket; and what is written is read.
import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { CLIENT } from "../../src/wire/capability.ts";
import { readChangeUser, writeChangeUser } from "../../src/wire/change-user.ts";
import { readError, writeError } from "../../src/wire/error-packet.ts";
import { readGreeting, SCRAMBLE_BYTES, scrambleFrom, writeGreeting } from "../../src/wire/greeting.ts";
import { readLoginRequest, writeLoginRequest } from "../../src/wire/login-request.ts";
import { readOk, STATUS, writeOk } from "../../src/wire/ok-packet.ts";
import { framed, PacketReader } from "../../src/wire/packet.ts";
import { fuzzOnce, WIRE_PARSERS } from "../support/wire-parsers.ts";

const RUNS = 3000;
const bytes = (size: fc.ArrayConstraints = {}) =>
  fc.uint8Array({ maxLength: 200, ...size }).map((a) => Buffer.from(a));
const name = fc.string({ maxLength: 60 }).filter((text) => !text.includes("\0"));
const flags = fc.integer({ min: 0, max: 0xffffffff });

describe.each(WIRE_PARSERS)("$name", (parser) => {
  test("is read as it is written", () => {
    expect(() => parser.parse(parser.sample)).not.toThrow();
  });

  test("random bytes", () => {
    fc.assert(
      fc.property(bytes(), (input) => fuzzOnce(parser, input)),
      { numRuns: RUNS },
    );
  });

  test("bytes that are almost right", () => {
    const change = fc.record({
      at: fc.nat(parser.sample.length - 1),
      byte: fc.integer({ min: 0, max: 255 }),
    });
    const input = fc.record({
      changes: fc.array(change, { maxLength: 6 }),
      cut: fc.nat(parser.sample.length),
      more: bytes({ maxLength: 20 }),
    });
    fc.assert(
      fc.property(input, ({ changes, cut, more }) => {
        const mutated = Buffer.concat([parser.sample.subarray(0, parser.sample.length - cut), more]);
        for (const { at, byte } of changes) if (at < mutated.length) mutated[at] = byte;
        fuzzOnce(parser, mutated);
      }),
      { numRuns: RUNS },
    );
  });
});

describe("what is written is read", () => {
  const request = fc.record({
    user: name,
    authResponse: bytes({ maxLength: 250 }),
    database: fc.option(
      name.filter((text) => text !== ""),
      { nil: undefined },
    ),
    plugin: name,
    attributes: bytes(),
    characterSet: fc.nat(255),
  });

  test("logins", () => {
    const all = fc.record({ request, maxPacket: flags, mariadb: flags });
    const capabilities =
      CLIENT.PROTOCOL_41 | CLIENT.CONNECT_WITH_DB | CLIENT.PLUGIN_AUTH | CLIENT.CONNECT_ATTRS;
    fc.assert(
      fc.property(all, fc.boolean(), ({ request, maxPacket, mariadb }, isLong) => {
        const login = {
          ...request,
          maxPacket,
          mariadbCapabilities: mariadb,
          capabilities: capabilities | (isLong ? CLIENT.PLUGIN_AUTH_LENENC_DATA : CLIENT.SECURE_CONNECTION),
        };
        expect(readLoginRequest(writeLoginRequest(login))).toEqual(login);
      }),
    );
  });

  test("COM_CHANGE_USER", () => {
    const capabilities = CLIENT.SECURE_CONNECTION | CLIENT.PLUGIN_AUTH | CLIENT.CONNECT_ATTRS;
    fc.assert(
      fc.property(request, (change) => {
        expect(readChangeUser(writeChangeUser(change, capabilities), capabilities)).toEqual(change);
      }),
    );
  });

  test("greetings", () => {
    const greeting = fc.record({
      serverVersion: name,
      connectionId: flags,
      scramble: bytes({ minLength: SCRAMBLE_BYTES, maxLength: SCRAMBLE_BYTES }).map(scrambleFrom),
      capabilities: flags.map(
        (value) => (value | CLIENT.PROTOCOL_41 | CLIENT.SECURE_CONNECTION | CLIENT.PLUGIN_AUTH) >>> 0,
      ),
      mariadbCapabilities: flags,
      characterSet: fc.nat(255),
      statusFlags: fc.nat(0xffff),
      plugin: name,
    });
    fc.assert(
      fc.property(greeting, (written) => {
        const isMysql = (written.capabilities & CLIENT.LONG_PASSWORD) !== 0;
        const expected = isMysql ? { ...written, mariadbCapabilities: 0 } : written;
        expect(readGreeting(writeGreeting(written))).toEqual(expected);
      }),
    );
  });

  test("OK and ERR", () => {
    const ok = fc.record({
      affectedRows: fc.nat(2 ** 40),
      lastInsertId: fc.nat(2 ** 50),
      statusFlags: fc.nat(0xffff),
      warnings: fc.nat(0xffff),
      info: bytes(),
      sessionTrack: bytes({ minLength: 1 }),
    });
    fc.assert(
      fc.property(ok, (written) => {
        const expected = { ...written, statusFlags: written.statusFlags | STATUS.SESSION_STATE_CHANGED };
        expect(readOk(writeOk(written, CLIENT.SESSION_TRACK), CLIENT.SESSION_TRACK)).toEqual(expected);
      }),
    );
    const error = fc.record({ errno: fc.nat(0xffff), sentence: name, sqlState: fc.constant("HY000") });
    fc.assert(fc.property(error, (written) => expect(readError(writeError(written))).toEqual(written)));
  });

  test("packets, however they are cut", () => {
    const stream = fc.record({
      payloads: fc.array(bytes(), { maxLength: 5 }),
      size: fc.integer({ min: 1, max: 40 }),
    });
    fc.assert(
      fc.property(stream, ({ payloads, size }) => {
        const all = Buffer.concat(payloads.map((payload, i) => framed(i, payload)));
        const reader = new PacketReader(1000);
        const found: Buffer[] = [];
        for (let at = 0; at < all.length; at += size) {
          reader.feed(all.subarray(at, at + size));
          for (let packet = reader.next(); packet !== undefined; packet = reader.next()) {
            expect(packet.sequence).toBe(found.length);
            found.push(packet.payload);
          }
        }
        expect(found).toEqual(payloads);
        expect(reader.unread).toBe(0);
      }),
    );
  });
});
