import { describe, expect, test } from "bun:test";
import { generateKeyPairSync, privateDecrypt, verify } from "node:crypto";
import {
  cachedDigest,
  cachingSha2Proof,
  encryptPassword,
  provesCached,
  unmaskPassword,
  withoutEnd,
} from "./caching-sha2-password.ts";
import { ed25519Proof, fitsEd25519 } from "./ed25519.ts";
import { nativeKept, nativeProof, nativeSecret, nativeSecretOf } from "./native-password.ts";
import { fitsCrypt, readKeptCrypt } from "./sha256-crypt.ts";

const SCRAMBLE = Buffer.from("abcdefghijklmnopqrst");
const password = Buffer.from("secret");

describe("mysql_native_password", () => {
  // SELECT PASSWORD('secret')
  const kept = nativeKept("*14E65567ABDB5135D0CFD9A70B3032C179A49EE7") ?? Buffer.alloc(0);

  test("a proof gives what answers every other server", () => {
    const secret = nativeSecretOf(nativeProof(nativeSecret(password), SCRAMBLE), SCRAMBLE, kept);
    expect(secret).toEqual(nativeSecret(password));
  });

  test("another password, another scramble, a proof cut short prove nothing", () => {
    const proof = nativeProof(nativeSecret(password), SCRAMBLE);
    expect(
      nativeSecretOf(nativeProof(nativeSecret(Buffer.from("other")), SCRAMBLE), SCRAMBLE, kept),
    ).toBeUndefined();
    expect(nativeSecretOf(proof, Buffer.from(SCRAMBLE).reverse(), kept)).toBeUndefined();
    expect(nativeSecretOf(proof.subarray(1), SCRAMBLE, kept)).toBeUndefined();
    expect(nativeProof(undefined, SCRAMBLE)).toHaveLength(0);
  });

  test("what no password fits", () => {
    for (const text of ["", "invalid", "*12", "14E65567ABDB5135D0CFD9A70B3032C179A49EE7"])
      expect(nativeKept(text)).toBeUndefined();
  });
});

describe("ed25519", () => {
  // SELECT ed25519_password('secret')
  const kept = "ZIgUREUg5PVgQ6LskhXmO+eZLS0nC8be6HPjYWR4YJY";

  test("the password belongs to what the server keeps", () => {
    expect(fitsEd25519(password, kept)).toBe(true);
    expect(fitsEd25519(Buffer.from("other"), kept)).toBe(false);
    expect(fitsEd25519(password, "")).toBe(false);
  });

  test("the proof is a signature that everybody can verify", () => {
    const scramble = Buffer.alloc(32, 7);
    const prefix = Buffer.from("302a300506032b6570032100", "hex");
    const key = {
      key: Buffer.concat([prefix, Buffer.from(kept, "base64")]),
      format: "der",
      type: "spki",
    } as const;
    expect(verify(null, scramble, key, ed25519Proof(password, scramble))).toBe(true);
    expect(verify(null, scramble, key, ed25519Proof(Buffer.from("other"), scramble))).toBe(false);
  });
});

describe("caching_sha2_password", () => {
  test("a proof is held against what is cached", () => {
    const proof = cachingSha2Proof(password, SCRAMBLE);
    expect(provesCached(proof, SCRAMBLE, cachedDigest(password))).toBe(true);
    expect(provesCached(proof, SCRAMBLE, cachedDigest(Buffer.from("other")))).toBe(false);
    expect(provesCached(proof.subarray(1), SCRAMBLE, cachedDigest(password))).toBe(false);
    expect(cachingSha2Proof(Buffer.alloc(0), SCRAMBLE)).toHaveLength(0);
  });

  test("a password goes encrypted", () => {
    const { publicKey, privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
    const pem = Buffer.from(publicKey.export({ type: "spki", format: "pem" }));
    const sent = encryptPassword(password, SCRAMBLE, pem);
    expect(unmaskPassword(privateDecrypt(privateKey, sent), SCRAMBLE)).toEqual(password);
    expect(withoutEnd(Buffer.from("secret\0"))).toEqual(password);
  });

  test("what MySQL keeps belongs to the password", () => {
    // From crypt(3) itself, whose salt has 16 letters at the most: sha256_password's form has 20, and the same arithmetic.
    const kept = readKeptCrypt(
      Buffer.from("$A$005$abcdefghijklmnopqrst0000000000000000000000000000000000000000000"),
    );
    expect(kept).toMatchObject({ rounds: 5000, salt: SCRAMBLE });
    expect(kept && fitsCrypt(password, kept)).toBe(false);
    for (const text of ["", "$A$005$short", "$A$FFF$abcdefghijklmnopqrst", "plain"])
      expect(readKeptCrypt(Buffer.from(text))).toBeUndefined();
  });
});
