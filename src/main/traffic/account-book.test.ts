import { beforeEach, describe, expect, test } from "bun:test";
import { anAccount } from "../../../test/support/an-account.ts";
import { FakeClock } from "../../../test/support/fake-clock.ts";
import { RecordingLog } from "../../../test/support/recording-log.ts";
import type { Accounts } from "../../topology/accounts.ts";
import { AccountBook, type RefreshRules } from "./account-book.ts";
import { FailedLogins } from "./failed-logins.ts";

let clock: FakeClock;
let log: RecordingLog;
let users: Record<string, readonly string[] | undefined>;
let asked: string[];
let told: (readonly string[] | undefined)[];
let rules: RefreshRules;
let book: AccountBook;

beforeEach(() => {
  clock = new FakeClock(1_000_000);
  log = new RecordingLog();
  users = { db1: ["app"], db2: ["app", "other"] };
  asked = [];
  told = [];
  rules = { afterFailureMs: 30_000, everyMs: 0, ofAllServers: false };
  book = new AccountBook({
    service: "rw",
    clock,
    log,
    rules: () => rules,
    servers: () => Object.keys(users),
    read: async (server): Promise<Accounts> => {
      asked.push(server);
      const found = users[server];
      if (found === undefined) throw new Error(`connection refused by ${server}:3306`);
      return {
        readAt: clock.now(),
        server,
        flavour: "mariadb",
        ignoresCase: false,
        resolvesNames: false,
        sandboxesAll: false,
        accounts: found.map((user) => anAccount(user)),
        grants: [],
        roles: [],
        openDatabases: [],
      };
    },
    tell: (accounts) => told.push(accounts?.accounts.map(({ user }) => user)),
  });
});

test("accounts are read at the start, of the first server that answers", async () => {
  users = { db1: undefined, db2: ["app"] };
  book.start();
  await clock.advanceSettling(0);
  expect(asked).toEqual(["db1", "db2"]);
  expect(told).toEqual([["app"]]);
  expect(book.current?.server).toBe("db2");
});

test("until something is known it is tried every second, and told of once", async () => {
  users = { db1: undefined };
  book.start();
  await clock.advanceSettling(2500);
  expect(asked).toHaveLength(3);
  expect(log.messages("warn")).toEqual([
    "the accounts of service rw cannot be read: connection refused by db1:3306",
  ]);
  users = { db1: ["app"] };
  await clock.advanceSettling(1000);
  expect(told.at(-1)).toEqual(["app"]);
  expect(log.messages("info")).toEqual(["service rw has 1 accounts, read from db1"]);
});

describe("a failed login", () => {
  beforeEach(async () => {
    book.start();
    await clock.advanceSettling(0);
    told = [];
  });

  test("brings newer accounts, at most every 30 s", async () => {
    users = { db1: ["app", "new"] };
    book.wanted();
    await clock.advanceSettling(0);
    expect(told).toEqual([["app", "new"]]);
    users = { db1: ["app", "new", "newer"] };
    await clock.advanceSettling(29_000);
    book.wanted();
    expect(told).toEqual([["app", "new"], undefined]);
    await clock.advanceSettling(1000);
    book.wanted();
    await clock.advanceSettling(0);
    expect(told.at(-1)).toEqual(["app", "new", "newer"]);
  });

  test("is answered also where nothing differs, or no server answers", async () => {
    book.wanted();
    await clock.advanceSettling(30_000);
    users = { db1: undefined };
    book.wanted();
    await clock.advanceSettling(0);
    expect(told).toEqual([undefined, undefined]);
    expect(book.current?.accounts).toHaveLength(1);
  });

  test("one question is enough for all that fail meanwhile", async () => {
    book.wanted();
    book.wanted();
    book.wanted();
    await clock.advanceSettling(0);
    expect(asked).toEqual(["db1", "db1"]);
    expect(told).toEqual([undefined]);
  });

  test("brings nothing where users_refresh_time is negative", () => {
    rules = { ...rules, afterFailureMs: -1 };
    book.wanted();
    expect(told).toEqual([undefined]);
    expect(asked).toEqual(["db1"]);
  });
});

test("users_refresh_interval reads them anew by the clock", async () => {
  rules = { ...rules, everyMs: 60_000 };
  book.start();
  await clock.advanceSettling(180_000);
  expect(asked).toHaveLength(4);
  book.stop();
  await clock.advanceSettling(180_000);
  expect(asked).toHaveLength(4);
});

test("auth_all_servers adds up what all have", async () => {
  rules = { ...rules, ofAllServers: true };
  book.start();
  await clock.advanceSettling(0);
  expect(told).toEqual([["app", "other"]]);
});

test("failed logins are logged in bursts, and cannot break a line", () => {
  const failed = new FailedLogins(clock, log);
  const failure = { user: "app\n\u001b[31m", host: "10.0.0.1", reason: "Access denied", isGuess: true };
  for (let i = 0; i < 100; i++) failed.add("rw", failure);
  expect(log.messages("warn")).toEqual(["service rw: a login of app??[31m@10.0.0.1 failed: Access denied"]);
  clock.advance(10_000);
  expect(log.messages("warn").at(-1)).toBe(
    "service rw: 99 more logins failed within 10 s; the last: a login of app??[31m@10.0.0.1 failed: Access denied",
  );
  clock.advance(10_000);
  expect(log.messages("warn")).toHaveLength(2);
});
