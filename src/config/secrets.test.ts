import { afterEach, describe, expect, test } from "bun:test";
import { createCipheriv } from "node:crypto";
import { mkdtempSync, readdirSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { inspect } from "node:util";
import { memoryFiles } from "../../test/support/memory-files.ts";
import { SluiceError } from "../errors/sluice-error.ts";
import { REAL_FILES } from "./file-access.ts";
import { Secret } from "./secret.ts";
import { initSecrets, SecretKeys } from "./secrets.ts";

const folders: string[] = [];
afterEach(() => {
  for (const path of folders.splice(0)) rmSync(path, { recursive: true });
});

function folder(): string {
  const path = mkdtempSync(join(tmpdir(), "sluice-secrets-"));
  folders.push(path);
  return path;
}

function refusal(run: () => unknown): string {
  try {
    run();
  } catch (error) {
    if (error instanceof SluiceError && error.code === "SECRET_UNREADABLE") return error.message;
    throw error;
  }
  throw new Error("nothing was thrown");
}

const KEY = "ab".repeat(32);
const maxscaleKeyFile = JSON.stringify({
  description: "MaxScale encryption key",
  maxscale_version: "24.2.1",
  encryption_cipher: "EVP_aes_256_cbc",
  encryption_key: KEY,
});

/** As maxpasswd writes it. */
function maxscalePassword(password: string): string {
  const iv = Buffer.alloc(16, 7);
  const cipher = createCipheriv("aes-256-cbc", Buffer.from(KEY, "hex"), iv);
  return Buffer.concat([iv, cipher.update(password), cipher.final()])
    .toString("hex")
    .toUpperCase();
}

test("a secret never shows itself", () => {
  const secret = new Secret("geheim");
  for (const shown of [
    String(secret),
    `${secret}`,
    JSON.stringify({ secret }),
    inspect({ secret }),
    Bun.inspect([secret]),
  ]) {
    expect(shown).not.toContain("geheim");
    expect(shown).toContain("***");
  }
  expect(Object.keys(secret)).toEqual([]);
  expect(secret.reveal()).toBe("geheim");
});

describe("our own form", () => {
  test("a key is made once, 0400, and passwords go through it", () => {
    const directory = folder();
    const path = initSecrets(directory);
    expect(statSync(path).mode & 0o7777).toBe(0o400);
    expect(refusal(() => initSecrets(directory))).toBe(
      `${path} exists; passwords encrypted with it would be lost`,
    );
    expect(readdirSync(directory)).toEqual(["sluice.key"]);
    const keys = SecretKeys.load(directory, REAL_FILES);
    for (const password of ["", "123456", "pässwörd ✓", "x".repeat(1000)]) {
      const written = keys.encrypt(new Secret(password));
      expect(written).toMatch(/^aes256gcm:[A-Za-z0-9_-]+$/);
      expect(keys.decrypt(new Secret(written)).reveal()).toBe(password);
    }
    expect(keys.encrypt(new Secret("same"))).not.toBe(keys.encrypt(new Secret("same")));
  });

  test("a damaged text, another key and a missing key are told, without the password", () => {
    const files = (key: string) => memoryFiles({ "/s/sluice.key": [`${key}\n`, 0o400] });
    const written = SecretKeys.load("/s", files(KEY)).encrypt(new Secret("geheim"));
    const other = SecretKeys.load("/s", files("cd".repeat(32)));
    const why =
      "an encrypted password cannot be read: it is damaged, or was not encrypted with /s/sluice.key";
    expect(refusal(() => other.decrypt(new Secret(written)))).toBe(why);
    for (const damaged of [written.slice(0, -3), `${written}AAAA`, "aes256gcm:", "aes256gcm:%%%"]) {
      expect(refusal(() => SecretKeys.load("/s", files(KEY)).decrypt(new Secret(damaged)))).toBe(why);
    }
    expect(refusal(() => SecretKeys.load("/s", memoryFiles({})).decrypt(new Secret(written)))).toBe(
      "there is no key file /s/sluice.key; `sluice secrets init` makes one",
    );
  });

  test.each([
    [KEY, 0o440, "/s/sluice.key has mode 0440, and others could use the key; chmod 0400 /s/sluice.key"],
    [KEY, 0o404, "/s/sluice.key has mode 0404, and others could use the key; chmod 0400 /s/sluice.key"],
    ["short", 0o400, "/s/sluice.key does not hold a key of 64 hexadecimal digits"],
  ])("key file %s with mode %o is refused", (text, mode, message) => {
    expect(refusal(() => SecretKeys.load("/s", memoryFiles({ "/s/sluice.key": [text, mode] })))).toBe(
      message,
    );
  });
});

describe("MaxScale's form", () => {
  const keys = SecretKeys.load("/s", memoryFiles({ "/s/.secrets": [maxscaleKeyFile, 0o400] }));

  test("is read with MaxScale's key", () => {
    expect(keys.decrypt(new Secret(maxscalePassword("123456"))).reveal()).toBe("123456");
    expect(keys.decrypt(new Secret(maxscalePassword("x".repeat(100)).toLowerCase())).reveal()).toBe(
      "x".repeat(100),
    );
  });

  test.each(["plain text", "cafe", "AF76BE841B5B4692D820A49298C00272", "", "0".repeat(65)])(
    "%j is itself",
    (text) => {
      expect(keys.decrypt(new Secret(text)).reveal()).toBe(text);
    },
  );

  test("without the key, a hexadecimal text is a password", () => {
    const text = maxscalePassword("123456");
    expect(SecretKeys.load("/s", memoryFiles({})).decrypt(new Secret(text)).reveal()).toBe(text);
  });

  test("encrypted with another key", () => {
    expect(refusal(() => keys.decrypt(new Secret("00".repeat(32))))).toBe(
      "an encrypted password cannot be read: it was not encrypted with /s/.secrets",
    );
  });

  test("the binary file of MaxScale 2.1 is told apart", () => {
    const files = memoryFiles({ "/s/.secrets": ["\u0001\u0002binary", 0o400] });
    expect(refusal(() => SecretKeys.load("/s", files))).toContain(
      "is not a key file of MaxScale 2.5 or later",
    );
  });
});
