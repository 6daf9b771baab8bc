import { afterAll, beforeAll, expect, test } from "bun:test";
import { createHmac } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { FakeClock } from "../../../test/support/fake-clock.ts";
import { SILENT_LOG } from "../../telemetry/log.ts";
import { type Account, Accounts } from "./accounts.ts";
import { Tokens } from "./tokens.ts";

const directory = mkdtempSync(join(tmpdir(), "sluice-tokens-"));
const clock = new FakeClock(1_700_000_000_000);
let accounts: Accounts;
let admin: Account;

beforeAll(async () => {
  accounts = await Accounts.open(join(directory, "accounts.json"), clock, SILENT_LOG);
  admin = accounts.find("admin") as Account;
});
afterAll(() => rmSync(directory, { recursive: true }));

const part = (value: unknown) => Buffer.from(JSON.stringify(value)).toString("base64url");

test("a token stands for its account until it expires", () => {
  const tokens = new Tokens(accounts, clock);
  const token = tokens.issue(admin, 60);
  expect(tokens.verify(token)).toBe(admin);
  const claims = JSON.parse(Buffer.from(token.split(".")[1] ?? "", "base64url").toString());
  expect(claims).toMatchObject({ iss: "sluice", sub: "admin", account: "admin", exp: claims.iat + 60 });
  clock.advance(60_000);
  expect(tokens.verify(token)).toBeUndefined();
});

test("no token that was not issued here is believed", () => {
  const tokens = new Tokens(accounts, clock);
  const token = tokens.issue(admin, 60);
  const [header = "", payload = "", signature = ""] = token.split(".");
  const none = part({ alg: "none", typ: "JWT" });
  const forged = `${header}.${part({ iss: "sluice", sub: "admin", exp: 9e9, pwd: "x" })}`;
  const guessed = createHmac("sha256", "").update(forged).digest("base64url");
  const wrong = [
    "",
    ".",
    "..",
    "a.b.c",
    `${none}.${payload}.`,
    `${none}.${payload}.${signature}`,
    `${header}.${payload}.`,
    `${header}.${payload}.${signature}.`,
    `${header}.${payload}.${signature.slice(0, -1)}`,
    `${forged}.${signature}`,
    `${forged}.${guessed}`,
    new Tokens(accounts, clock).issue(admin, 60),
    "x".repeat(100_000),
  ];
  expect(wrong.map((text) => tokens.verify(text))).toEqual(wrong.map(() => undefined));
});

test("a token ends with its account, its password, and the key", async () => {
  const tokens = new Tokens(accounts, clock);
  await accounts.create("guest", "basic", "long enough");
  const tokenOf = (name: string) => tokens.issue(accounts.find(name) as Account, 60);
  const [first, second] = [tokenOf("guest"), tokenOf("admin")];
  await accounts.setPassword("guest", "another one");
  expect(tokens.verify(first)).toBeUndefined();
  const third = tokenOf("guest");
  accounts.remove("guest");
  expect(tokens.verify(third)).toBeUndefined();
  expect(tokens.verify(second)?.name).toBe("admin");
  tokens.renewKey();
  expect(tokens.verify(second)).toBeUndefined();
});
