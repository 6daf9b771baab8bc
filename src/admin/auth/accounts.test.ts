import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import {
  chmodSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { FakeClock } from "../../../test/support/fake-clock.ts";
import type { Log, LogFields } from "../../telemetry/log.ts";
import { Accounts } from "./accounts.ts";
import { verifyPassword } from "./password-hash.ts";

let directory: string;
let path: string;
let lines: string[];
let clock: FakeClock;

const record = (fields: LogFields, message: string): void => {
  lines.push(`${JSON.stringify(fields)} ${message}`);
};
const log: Log = { debug: record, info: record, warn: record, error: record, child: () => log };
const open = () => Accounts.open(path, clock, log);
const mode = (file: string) => statSync(file).mode & 0o777;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "sluice-accounts-"));
  path = join(directory, "accounts.json");
  lines = [];
  clock = new FakeClock(1_000_000);
});
afterEach(() => rmSync(directory, { recursive: true }));

describe("the first start", () => {
  test("makes admin, with a password in a private file that the log names and does not tell", async () => {
    const accounts = await open();
    const file = `${path}.first-password`;
    const password = readFileSync(file, "utf8").trim();
    expect([mode(path), mode(file), password.length]).toEqual([0o600, 0o600, 24]);
    expect(accounts.all()).toMatchObject([{ name: "admin", account: "admin", created: 1_000_000 }]);
    expect(await verifyPassword(password, accounts.find("admin")?.hash ?? "")).toBe(true);
    expect(lines).toHaveLength(1);
    expect(lines[0]).toContain(file);
    expect(lines.join() + readFileSync(path, "utf8")).not.toContain(password);
  });

  test("happens once", async () => {
    await open();
    const text = readFileSync(path, "utf8");
    await open();
    expect([readFileSync(path, "utf8"), lines.length]).toEqual([text, 1]);
  });

  test.each([
    ["its password is changed", (accounts: Accounts) => accounts.setPassword("admin", "a new password")],
    [
      "it is removed",
      async (accounts: Accounts) => {
        await accounts.create("root", "admin", "a new password");
        accounts.remove("admin");
      },
    ],
  ])("its password file goes when %s", async (_when, change) => {
    await change(await open());
    expect(readdirSync(directory)).toEqual(["accounts.json"]);
  });
});

describe("accounts", () => {
  test("are kept, and removed", async () => {
    const accounts = await open();
    await accounts.create("reader", "basic", "long enough");
    expect((await open()).find("reader")).toMatchObject({ account: "basic", updated: undefined });
    clock.advance(1000);
    await accounts.setPassword("reader", "longer still");
    const changed = (await open()).find("reader");
    expect(changed?.updated).toBe(clock.now());
    expect(await verifyPassword("longer still", changed?.hash ?? "")).toBe(true);
    expect(await verifyPassword("long enough", changed?.hash ?? "")).toBe(false);
    accounts.remove("reader");
    expect((await open()).find("reader")).toBeUndefined();
  });

  test("what cannot be done is refused, and changes nothing", async () => {
    const accounts = await open();
    const text = readFileSync(path, "utf8");
    const code = async (attempt: () => Promise<void> | void) => {
      try {
        await attempt();
      } catch (error) {
        return (error as { code: string }).code;
      }
      return "done";
    };
    expect(await code(() => accounts.create("admin", "basic", "long enough"))).toBe("ALREADY_EXISTS");
    expect(await code(() => accounts.create("a b", "basic", "long enough"))).toBe("REQUEST_INVALID");
    expect(await code(() => accounts.create("", "basic", "long enough"))).toBe("REQUEST_INVALID");
    expect(await code(() => accounts.create("b", "basic", "short"))).toBe("REQUEST_INVALID");
    expect(await code(() => accounts.create("b", "basic", "x".repeat(1025)))).toBe("REQUEST_INVALID");
    expect(await code(() => accounts.setPassword("nobody", "long enough"))).toBe("NOT_FOUND");
    expect(await code(() => accounts.remove("nobody"))).toBe("NOT_FOUND");
    expect(await code(() => accounts.remove("admin"))).toBe("REFUSED");
    expect(readFileSync(path, "utf8")).toBe(text);
  });

  test("two of the same name at the same time: one is made", async () => {
    const accounts = await open();
    const made = await Promise.allSettled([
      accounts.create("twin", "basic", "password one"),
      accounts.create("twin", "admin", "password two"),
    ]);
    expect(made.map(({ status }) => status).sort()).toEqual(["fulfilled", "rejected"]);
    expect(accounts.all()).toHaveLength(2);
  });

  test("the last login is known until the restart", async () => {
    const accounts = await open();
    expect(accounts.lastLogin("admin")).toBeUndefined();
    accounts.noteLogin("admin");
    expect(accounts.lastLogin("admin")).toBe(clock.now());
  });
});

describe("a file that cannot be used stops the start", () => {
  test.each([
    ["{", "is damaged"],
    ['{"accounts":[{"name":"a","account":"root","hash":"x","created":1}]}', "is damaged"],
    ['{"accounts":[{"name":"a","account":"admin","hash":"plain text","created":1}]}', "is damaged"],
  ])("%s", async (text, words) => {
    writeFileSync(path, text, { mode: 0o600 });
    await expect(open()).rejects.toMatchObject({
      code: "CONFIG_INVALID",
      message: expect.stringContaining(words),
    });
    expect(existsSync(`${path}.first-password`)).toBe(false);
  });

  test("one that others can read", async () => {
    await open();
    chmodSync(path, 0o644);
    await expect(open()).rejects.toMatchObject({ message: expect.stringContaining("chmod 0600") });
  });

  test("a directory that is not there", async () => {
    await expect(Accounts.open(join(directory, "no", "file"), clock, log)).rejects.toMatchObject({
      code: "IO_FAILED",
    });
  });
});
