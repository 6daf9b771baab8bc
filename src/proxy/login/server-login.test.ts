import { beforeEach, describe, expect, test } from "bun:test";
import fc from "fast-check";
import { FakeClock } from "../../../test/support/fake-clock.ts";
import { FakeOwnedSocket } from "../../../test/support/fake-owned-socket.ts";
import { CACHING_SHA2_PASSWORD, cachingSha2Proof } from "../../wire/auth/caching-sha2-password.ts";
import { CLIENT_ED25519, ed25519Proof } from "../../wire/auth/ed25519.ts";
import { NATIVE_PASSWORD, nativeProof, nativeSecret } from "../../wire/auth/native-password.ts";
import { AUTH_MORE_DATA, writeAuthMoreData, writeAuthSwitch } from "../../wire/auth-switch.ts";
import { CLIENT, hasFlag, withFlags } from "../../wire/capability.ts";
import { errorBeforeGreeting, writeError } from "../../wire/error-packet.ts";
import { writeGreeting } from "../../wire/greeting.ts";
import { readLoginRequest } from "../../wire/login-request.ts";
import { PLAIN_OK, writeOk } from "../../wire/ok-packet.ts";
import { framed } from "../../wire/packet.ts";
import { faceOf } from "../../wire/service-face.ts";
import { loginServer, type ServerLoginRequest } from "./server-login.ts";

const PASSWORD = Buffer.from("secret");
const SCRAMBLE = Buffer.from("abcdefghijklmnopqrst");
const FACE = faceOf(["10.11.6-MariaDB"]);
const REQUEST: ServerLoginRequest = {
  user: "app",
  credential: { kind: "clear", password: PASSWORD },
  database: "shop",
  characterSet: 45,
  attributes: Buffer.from("\u0001a\u0001b"),
  maxPacket: 1 << 24,
  capabilities: FACE.capabilities,
  mariadbCapabilities: FACE.mariadbCapabilities,
  proxyHeader: Buffer.alloc(0),
  tls: undefined,
  host: "db1",
  deadlineMs: 1000,
};
const greeting = (more: Partial<Parameters<typeof writeGreeting>[0]> = {}): Buffer =>
  writeGreeting({ ...FACE, connectionId: 9, scramble: SCRAMBLE, statusFlags: 2, ...more });

let clock: FakeClock;
let socket: FakeOwnedSocket;
beforeEach(() => {
  clock = new FakeClock();
  socket = new FakeOwnedSocket();
});

/** The server says these, each after the answer to the one before. */
async function talk(request: ServerLoginRequest, ...words: readonly Buffer[]) {
  const login = loginServer(socket.asSocket, request, clock);
  for (const [i, payload] of words.entries()) {
    await clock.advanceSettling(1);
    if (!socket.isClosed) socket.data.data(framed(2 * i, payload));
  }
  await clock.advanceSettling(2000);
  return await login;
}

const OK = writeOk(PLAIN_OK, CLIENT.SESSION_TRACK);

describe("a login to a server", () => {
  test("asks for what the client was granted, and to be told of the session's state", async () => {
    const without = {
      ...REQUEST,
      capabilities: FACE.capabilities & ~CLIENT.SESSION_TRACK & ~CLIENT.DEPRECATE_EOF,
    };
    const outcome = await talk(without, greeting(), OK);
    const request = readLoginRequest(socket.payloads[0] ?? Buffer.alloc(0));
    expect(request).toMatchObject({
      user: "app",
      database: "shop",
      plugin: NATIVE_PASSWORD,
      characterSet: 45,
    });
    expect(hasFlag(request.capabilities, CLIENT.SESSION_TRACK)).toBe(true);
    expect(hasFlag(request.capabilities, CLIENT.DEPRECATE_EOF)).toBe(false);
    expect(request.authResponse).toEqual(nativeProof(nativeSecret(PASSWORD), SCRAMBLE));
    expect(outcome).toMatchObject({
      kind: "ok",
      server: { connectionId: 9, statusFlags: 2, isEncrypted: false },
    });
  });

  test("answers each plugin that it is asked for", async () => {
    const long = Buffer.alloc(32, 5);
    const outcome = await talk(
      REQUEST,
      greeting(),
      writeAuthSwitch({ plugin: CACHING_SHA2_PASSWORD, scramble: SCRAMBLE }),
      Buffer.concat([writeAuthSwitch({ plugin: CLIENT_ED25519, scramble: long }).subarray(0, -1)]),
      OK,
    );
    expect(outcome.kind).toBe("ok");
    expect(socket.payloads.slice(1)).toEqual([
      cachingSha2Proof(PASSWORD, SCRAMBLE),
      ed25519Proof(PASSWORD, long),
    ]);
  });

  test("never sends the password in the clear where somebody may listen", async () => {
    const clear = writeAuthSwitch({ plugin: "mysql_clear_password", scramble: SCRAMBLE });
    expect(await talk(REQUEST, greeting(), clear)).toMatchObject({ kind: "unfit" });
    socket = new FakeOwnedSocket();
    const full = [
      writeAuthSwitch({ plugin: CACHING_SHA2_PASSWORD, scramble: SCRAMBLE }),
      writeAuthMoreData(Buffer.of(4)),
      writeAuthMoreData(Buffer.from("no key")),
    ];
    expect((await talk(REQUEST, greeting(), ...full)).kind).toBe("unreachable");
    expect(socket.written.includes("secret")).toBe(false);
  });

  test("gives the server's own words on where it refuses", async () => {
    const denied = { errno: 1045, sentence: "Access denied", sqlState: "28000" };
    expect(await talk(REQUEST, greeting(), writeError(denied))).toEqual({ kind: "refused", error: denied });
    socket = new FakeOwnedSocket();
    const full = errorBeforeGreeting({ errno: 1040, sentence: "Too many connections" }).subarray(4);
    expect(await talk(REQUEST, full)).toEqual({
      kind: "refused",
      error: { errno: 1040, sentence: "Too many connections" },
    });
    expect(socket.isClosed).toBe(true);
  });

  test("says what cannot be", async () => {
    const sha1 = { ...REQUEST, credential: { kind: "sha1", sha1: nativeSecret(PASSWORD) } } as const;
    const asked = writeAuthSwitch({ plugin: CACHING_SHA2_PASSWORD, scramble: SCRAMBLE });
    expect(JSON.stringify(await talk(sha1, greeting(), asked))).toContain("takes the password");
    socket = new FakeOwnedSocket();
    const pam = writeAuthSwitch({ plugin: "dialog", scramble: SCRAMBLE });
    expect(JSON.stringify(await talk(REQUEST, greeting(), pam))).toContain("plugin dialog");
    socket = new FakeOwnedSocket();
    const old = greeting({ mariadbCapabilities: 0, serverVersion: "10.1.48-MariaDB" });
    expect(JSON.stringify(await talk(REQUEST, old))).toContain("10.1.48-MariaDB cannot do all");
    socket = new FakeOwnedSocket();
    expect(await talk(REQUEST)).toEqual({ kind: "unreachable", reason: "no answer within 1000 ms" });
  });
});

test("whatever a server says, it comes to an end, and to nothing without an OK", async () => {
  const bytes = fc.uint8Array({ minLength: 1, maxLength: 200 }).map((array) => Buffer.from(array));
  const begun = fc.constantFrom(0xff, 0xfe, AUTH_MORE_DATA, 0x0a, 0x02);
  const words = fc.array(
    fc.tuple(begun, bytes).map(([first, rest]) => Buffer.concat([Buffer.of(first), rest])),
    { maxLength: 5 },
  );
  await fc.assert(
    fc.asyncProperty(words, fc.boolean(), fc.nat(0xffffffff), async (said, greetsWell, flags) => {
      socket = new FakeOwnedSocket();
      const first = greeting({ capabilities: withFlags(FACE.capabilities, flags) });
      const { kind } = await talk(REQUEST, ...(greetsWell ? [first] : []), ...said);
      expect(["refused", "unfit", "unreachable"]).toContain(kind);
      expect(socket.isClosed).toBe(true);
      expect(socket.written.includes("secret")).toBe(false);
    }),
    { numRuns: 500 },
  );
});
