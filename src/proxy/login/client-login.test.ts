import { beforeEach, describe, expect, test } from "bun:test";
import { randomBytes } from "node:crypto";
import fc from "fast-check";
import { FakeClock } from "../../../test/support/fake-clock.ts";
import { FakeOwnedSocket } from "../../../test/support/fake-owned-socket.ts";
import type { Account, Accounts } from "../../topology/accounts.ts";
import { CACHING_SHA2_PASSWORD, cachingSha2Proof } from "../../wire/auth/caching-sha2-password.ts";
import { NATIVE_PASSWORD, nativeProof, nativeSecret } from "../../wire/auth/native-password.ts";
import { AUTH_MORE_DATA, AUTH_SWITCH, readAuthSwitch } from "../../wire/auth-switch.ts";
import { CLIENT } from "../../wire/capability.ts";
import { ERR, readError } from "../../wire/error-packet.ts";
import { readGreeting } from "../../wire/greeting.ts";
import { writeLoginRequest } from "../../wire/login-request.ts";
import { PLAIN_OK } from "../../wire/ok-packet.ts";
import { framed } from "../../wire/packet.ts";
import { faceOf } from "../../wire/service-face.ts";
import { AccountCopy } from "./account-source.ts";
import { type ClientLoginParts, loginClient } from "./client-login.ts";
import type { LoginFailure } from "./end-login.ts";
import { KnownPasswords } from "./known-passwords.ts";
import type { LoggedInClient } from "./logged-in.ts";
import { LoginGuard } from "./login-guard.ts";
import { PasswordKey } from "./password-key.ts";

const PASSWORD = Buffer.from("secret");
const hex = (text: string): string => Buffer.from(text).toString("hex");
const NATIVE_SECRET = {
  plugin: NATIVE_PASSWORD,
  authentication: hex("*14E65567ABDB5135D0CFD9A70B3032C179A49EE7"),
};
const ED25519_SECRET = {
  plugin: "ed25519",
  authentication: hex("ZIgUREUg5PVgQ6LskhXmO+eZLS0nC8be6HPjYWR4YJY"),
};

const account = (user: string, more: Partial<Account> = {}): Account => ({
  user,
  host: "%",
  methods: [NATIVE_SECRET],
  isLocked: false,
  isExpired: false,
  tls: { kind: "none" },
  maxUserConnections: 0,
  mayUseAll: true,
  defaultRoles: [],
  ...more,
});

const accountsOf = (accounts: readonly Account[]): Accounts => ({
  readAt: 0,
  server: "db1",
  flavour: "mariadb",
  ignoresCase: false,
  resolvesNames: false,
  sandboxesAll: false,
  accounts,
  grants: [],
  roles: [],
  openDatabases: [],
});

const ACCOUNTS = accountsOf([
  account("native"),
  account("signed", { methods: [ED25519_SECRET] }),
  account("pam", { methods: [{ plugin: "pam", authentication: "" }] }),
  account("expired", { isExpired: true }),
  account("nothing", { methods: [] }),
  account("invalid", { methods: [{ plugin: NATIVE_PASSWORD, authentication: hex("invalid") }] }),
]);

let clock: FakeClock;
let failures: LoginFailure[];
let exposed: string[];
let copy: AccountCopy;
let parts: ClientLoginParts;

beforeEach(() => {
  clock = new FakeClock();
  failures = [];
  exposed = [];
  copy = new AccountCopy({ timers: clock, ask: () => copy.put(undefined) });
  copy.put(ACCOUNTS);
  parts = {
    service: "rw",
    accounts: copy,
    passwords: new KnownPasswords(),
    key: new PasswordKey(),
    allowsRoot: false,
    randomBytes,
    nameOf: async () => undefined,
    onExposedPassword: (user) => exposed.push(user),
    timers: clock,
    guard: new LoginGuard(clock),
    face: faceOf(["10.11.6-MariaDB"]),
    tls: undefined,
    deadlineMs: 10_000,
    onFailure: (failure) => failures.push(failure),
  };
});

/** A client in the test's hands. */
class Talk {
  readonly socket = new FakeOwnedSocket();
  readonly login: Promise<LoggedInClient | undefined>;
  #sequence = 1;
  #read = 0;

  constructor(way: "network" | "unix" = "network") {
    const address = way === "unix" ? undefined : "10.0.0.1";
    this.login = loginClient(
      this.socket.asSocket,
      { address, port: 1, connectionId: 7, mayBeProxied: false },
      parts,
    );
  }

  say(payload: Buffer): void {
    this.socket.data.data(framed(this.#sequence, payload));
    this.#sequence += 2;
  }

  /** The next packet from the other side. */
  async hear(): Promise<Buffer> {
    for (let i = 0; i < 200; i++) {
      const payload = this.socket.payloads[this.#read];
      if (payload !== undefined) {
        this.#read++;
        return payload;
      }
      await clock.advanceSettling(5);
      await new Promise((resolve) => setImmediate(resolve));
    }
    throw new Error("nothing was said");
  }

  /** What the login comes to, however long it makes itself wait. */
  async end(): Promise<LoggedInClient | undefined> {
    let isSettled = false;
    void this.login.then(() => {
      isSettled = true;
    });
    while (!isSettled) {
      await clock.advanceSettling(500);
      await new Promise((resolve) => setImmediate(resolve));
    }
    return await this.login;
  }

  async begin(user: string, plugin = NATIVE_PASSWORD, capabilities = WITH_PLUGINS): Promise<Buffer> {
    const { scramble } = readGreeting(await this.hear());
    const authResponse = nativeProof(nativeSecret(PASSWORD), scramble);
    this.say(
      writeLoginRequest({
        capabilities,
        mariadbCapabilities: 0,
        maxPacket: 1 << 24,
        characterSet: 45,
        user,
        authResponse,
        database: undefined,
        plugin,
        attributes: Buffer.alloc(0),
      }),
    );
    return scramble;
  }
}

const WITH_PLUGINS = CLIENT.PROTOCOL_41 | CLIENT.SECURE_CONNECTION | CLIENT.PLUGIN_AUTH;

describe("a login", () => {
  test("hands over who it is, what it may, and what came behind it", async () => {
    const talk = new Talk();
    await talk.begin("native");
    const quit = Buffer.from([1, 0, 0, 0, 1]);
    talk.socket.data.data(quit);
    const client = await talk.login;
    expect(client).toMatchObject({ user: "native", host: "10.0.0.1", account: "native@%", connectionId: 7 });
    expect(client?.credential).toEqual({ kind: "sha1", sha1: nativeSecret(PASSWORD) });
    client?.welcome(PLAIN_OK);
    expect((await talk.hear())[0]).toBe(0);
    const owner = { data: () => {}, drain: () => {}, end: () => {}, close: () => {} };
    expect(client?.handOver(owner)).toMatchObject({ leftover: quit, hasEnded: false, isClosed: false });
    expect(talk.socket.data).toBe(owner);
    expect(talk.socket.isPaused).toBe(true);
  });

  test("goes on where the kernel takes little at a time", async () => {
    const talk = new Talk();
    talk.socket.takes = 3;
    for (let i = 0; i < 60; i++) talk.socket.data.drain();
    talk.socket.takes = Number.POSITIVE_INFINITY;
    await talk.begin("native");
    expect(await talk.login).toMatchObject({ user: "native" });
  });

  test("waits no longer than its deadline", async () => {
    const talk = new Talk();
    await clock.advanceSettling(10_000);
    expect(await talk.login).toBeUndefined();
    expect(readError(talk.socket.payloads[1] ?? Buffer.alloc(0)).errno).toBe(1159);
    expect(talk.socket.hasShutDown).toBe(true);
    await clock.advanceSettling(2000);
    expect(talk.socket.isClosed).toBe(true);
  });

  test("that is broken off ends at once, without a word in the log", async () => {
    const talk = new Talk();
    talk.socket.data.close();
    expect(await talk.login).toBeUndefined();
    expect(failures).toEqual([]);
    expect(clock.pending).toBe(0);
  });

  test("of a client that sends too much is refused", async () => {
    const talk = new Talk();
    talk.say(Buffer.alloc(20_000));
    expect(await talk.login).toBeUndefined();
    expect(readError(talk.socket.payloads[1] ?? Buffer.alloc(0)).errno).toBe(1043);
  });

  test.each([
    ["pam", 1524],
    ["expired", 1862],
    ["nothing", 1045],
    ["invalid", 1045],
    ["stranger", 1045],
    ["root", 1045],
  ])("of %s is refused with error %d", async (user, errno) => {
    copy.put(accountsOf([...ACCOUNTS.accounts, account("root")]));
    const talk = new Talk();
    await talk.begin(user);
    expect(readError(await talk.hear()).errno).toBe(errno);
    expect(await talk.login).toBeUndefined();
    expect(failures).toHaveLength(1);
  });

  test("of a client that knows no plugins cannot use an account that needs one", async () => {
    const talk = new Talk();
    await talk.begin("signed", "", CLIENT.PROTOCOL_41 | CLIENT.SECURE_CONNECTION);
    expect(readError(await talk.hear()).errno).toBe(1251);
  });

  test("waits for newer accounts where those that are known do not let it in", async () => {
    copy = new AccountCopy({ timers: clock, ask: () => {} });
    copy.put(accountsOf([]));
    parts = { ...parts, accounts: copy };
    const talk = new Talk();
    await talk.begin("native");
    await clock.advanceSettling(500);
    expect(talk.socket.payloads).toHaveLength(1);
    copy.put(ACCOUNTS);
    expect(await talk.login).toMatchObject({ user: "native" });
  });
});

describe("an account whose plugin needs the password", () => {
  const beginSha2 = async (talk: Talk, password: Buffer): Promise<Buffer> => {
    await talk.begin("signed");
    const asked = await talk.hear();
    expect(asked[0]).toBe(AUTH_SWITCH);
    const { plugin, scramble } = readAuthSwitch(asked);
    expect(plugin).toBe(CACHING_SHA2_PASSWORD);
    talk.say(cachingSha2Proof(password, scramble));
    return await talk.hear();
  };

  test("is asked for it once, and then by the fast path", async () => {
    const first = new Talk("unix");
    expect(await beginSha2(first, PASSWORD)).toEqual(Buffer.of(AUTH_MORE_DATA, 4));
    first.say(Buffer.from("secret\0"));
    expect((await first.login)?.credential).toEqual({ kind: "clear", password: PASSWORD });
    const second = new Talk();
    expect(await beginSha2(second, PASSWORD)).toEqual(Buffer.of(AUTH_MORE_DATA, 3));
    expect((await second.login)?.credential).toEqual({ kind: "clear", password: PASSWORD });
    expect(exposed).toEqual([]);
  });

  test("has no fast path any more once the server keeps another one", async () => {
    parts.passwords.put("signed@%", "something else", PASSWORD);
    expect(await beginSha2(new Talk("unix"), PASSWORD)).toEqual(Buffer.of(AUTH_MORE_DATA, 4));
  });

  test("is refused with a wrong one", async () => {
    const talk = new Talk("unix");
    await beginSha2(talk, Buffer.from("wrong"));
    talk.say(Buffer.from("wrong\0"));
    const answer = await talk.hear();
    expect(answer[0]).toBe(ERR);
    expect(await talk.login).toBeUndefined();
  });

  test("is told of where a client sends it for everybody to read", async () => {
    const talk = new Talk();
    await beginSha2(talk, PASSWORD);
    talk.say(Buffer.from("secret\0"));
    expect(await talk.login).toMatchObject({ user: "signed" });
    expect(exposed).toEqual(["signed"]);
  });
});

test("whatever a client says, without the password it does not come in", async () => {
  const user = fc.constantFrom("native", "signed", "pam", "nothing", "invalid", "", "root");
  const plugin = fc.constantFrom(
    NATIVE_PASSWORD,
    CACHING_SHA2_PASSWORD,
    "client_ed25519",
    "mysql_clear_password",
    "",
  );
  const bytes = fc.uint8Array({ maxLength: 300 }).map((array) => Buffer.from(array));
  const short = fc.constantFrom(0, 1, 2, 3, 4, 0xfe, 0xff).map((byte) => Buffer.of(byte));
  const words = fc.array(fc.oneof(bytes, short), { maxLength: 4 });
  await fc.assert(
    fc.asyncProperty(user, plugin, words, fc.boolean(), async (name, first, rest, beginsWell) => {
      const talk = new Talk();
      if (beginsWell) {
        await talk.hear();
        talk.say(
          writeLoginRequest({
            capabilities: WITH_PLUGINS,
            mariadbCapabilities: 0,
            maxPacket: 1,
            characterSet: 45,
            user: name,
            authResponse: rest[0]?.subarray(0, 255) ?? Buffer.alloc(0),
            database: undefined,
            plugin: first,
            attributes: Buffer.alloc(0),
          }),
        );
      }
      for (const payload of rest) {
        await clock.advanceSettling(1);
        talk.say(payload);
      }
      talk.socket.data.end();
      expect(await talk.end()).toBeUndefined();
      talk.socket.terminate();
    }),
    { numRuns: 300 },
  );
});
