import { afterAll, beforeAll, beforeEach, describe, expect, test } from "bun:test";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { FakeClock } from "../../../test/support/fake-clock.ts";
import { type Log, SILENT_LOG } from "../../telemetry/log.ts";
import { type Account, Accounts } from "./accounts.ts";
import { Authenticator } from "./authenticator.ts";
import { Tokens } from "./tokens.ts";

const directory = mkdtempSync(join(tmpdir(), "sluice-auth-"));
const clock = new FakeClock();
let accounts: Accounts;
let password: string;
let tokens: Tokens;
let authenticator: Authenticator;
let warnings: string[];
let logsFailures: boolean;

beforeAll(async () => {
  const path = join(directory, "accounts.json");
  accounts = await Accounts.open(path, clock, SILENT_LOG);
  password = readFileSync(`${path}.first-password`, "utf8").trim();
  await accounts.create("reader", "basic", "pass:word");
});
afterAll(() => rmSync(directory, { recursive: true }));

beforeEach(() => {
  warnings = [];
  logsFailures = true;
  const log: Log = {
    ...SILENT_LOG,
    warn: (fields, message) => warnings.push(`${JSON.stringify(fields)} ${message}`),
  };
  tokens = new Tokens(accounts, clock);
  authenticator = new Authenticator({ accounts, tokens, clock, log, logsFailures: () => logsFailures });
});

const basic = (text: string) => `Basic ${Buffer.from(text).toString("base64")}`;
const identify = (authorization?: string, cookie?: string, address = "10.0.0.9") =>
  authenticator.identify({ authorization, cookie, address });
const refused = async (...args: Parameters<typeof identify>) => {
  try {
    await identify(...args);
  } catch (error) {
    return (error as { code: string }).code;
  }
  return "let in";
};

describe("Basic", () => {
  test("lets an account in with its password, colons and all", async () => {
    expect(await identify(basic(`admin:${password}`))).toMatchObject({ name: "admin", account: "admin" });
    expect(await identify(basic("reader:pass:word"))).toMatchObject({ name: "reader", account: "basic" });
    expect(accounts.lastLogin("reader")).toBe(clock.now());
  });

  test.each([
    ["a wrong password", basic("admin:wrong")],
    ["no such account", basic("nobody:wrong")],
    ["no colon", basic("admin")],
    ["nothing", undefined],
    ["an empty header", ""],
    ["no value", "Basic"],
    ["no base64", "Basic §§§"],
    ["another scheme", "Digest abc"],
    ["an object's own names", basic("__proto__:constructor")],
  ])("refuses %s", async (_what, header) => {
    expect(await refused(header)).toBe("LOGIN_FAILED");
  });

  test("a wrong password is logged, unless the configuration says not to", async () => {
    await refused(basic("admin:secret\nguess"));
    expect(warnings).toEqual([expect.stringContaining("a login as admin from 10.0.0.9 failed")]);
    expect(warnings.join()).not.toContain("guess");
    await refused(basic("line\nbreak:x"));
    expect(warnings[1]).toContain("a login as line?break from");
    logsFailures = false;
    await refused(basic("admin:wrong"));
    expect(warnings).toHaveLength(2);
  });

  test("guessing is slowed, even for the right password, until the pause is over", async () => {
    for (let i = 0; i < 6; i++) await refused(basic("admin:wrong"));
    await expect(identify(basic(`admin:${password}`))).rejects.toMatchObject({
      code: "TOO_MANY_LOGINS",
      retryAfterSeconds: 1,
    });
    expect(await identify(basic(`admin:${password}`), undefined, "10.0.0.8")).toMatchObject({
      name: "admin",
    });
    clock.advance(1000);
    expect(await identify(basic(`admin:${password}`))).toMatchObject({ name: "admin" });
  });

  test("a password that was right is not hashed again for a minute, and never after it was changed", async () => {
    await accounts.create("script", "basic", "first password");
    await identify(basic("script:first password"));
    const started = performance.now();
    for (let i = 0; i < 200; i++) await identify(basic("script:first password"));
    // 200 hashes would take half a minute.
    expect(performance.now() - started).toBeLessThan(5000);
    await accounts.setPassword("script", "second password");
    expect(await refused(basic("script:first password"))).toBe("LOGIN_FAILED");
    accounts.remove("script");
    expect(await refused(basic("script:second password"))).toBe("LOGIN_FAILED");
  });
});

describe("tokens", () => {
  test("let their account in, in the header or in the cookie", async () => {
    const token = tokens.issue(accounts.find("reader") as Account, 60);
    expect(await identify(`Bearer ${token}`)).toMatchObject({ name: "reader", account: "basic" });
    expect(await identify(`bearer ${token}`)).toMatchObject({ name: "reader" });
    expect(await identify(undefined, `a=b; token_sig=${token}; c=d`)).toMatchObject({ name: "reader" });
    expect(await refused(`Bearer ${token}x`)).toBe("LOGIN_FAILED");
    expect(await refused("Bearer")).toBe("LOGIN_FAILED");
    expect(await refused(undefined, "token_sig=x")).toBe("LOGIN_FAILED");
    expect(await refused("Bearer x", `token_sig=${token}`)).toBe("LOGIN_FAILED");
  });
});
