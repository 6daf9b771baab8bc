import { createPrivateKey, type KeyObject, webcrypto } from "node:crypto";
import { SluiceError } from "../../errors/sluice-error.ts";

export type KeyKind = "ecdsa" | "rsa";

/** A private key as the certificate library wants it, with what it signs by. */
export interface SigningKey {
  readonly key: webcrypto.CryptoKey;
  readonly algorithm: SigningAlgorithm;
}

type SigningAlgorithm =
  | { readonly name: "ECDSA"; readonly namedCurve: string; readonly hash: "SHA-256" }
  | {
      readonly name: "RSASSA-PKCS1-v1_5";
      readonly hash: "SHA-256";
      readonly modulusLength: number;
      readonly publicExponent: Uint8Array;
    };

const ECDSA: SigningAlgorithm = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" };
const RSA: SigningAlgorithm = {
  name: "RSASSA-PKCS1-v1_5",
  hash: "SHA-256",
  modulusLength: 3072,
  publicExponent: new Uint8Array([1, 0, 1]),
};

/** Names of curves: WebCrypto's by OpenSSL's. */
const CURVES: Readonly<Record<string, string>> = {
  prime256v1: "P-256",
  secp384r1: "P-384",
  secp521r1: "P-521",
};

export interface NewKey {
  readonly pair: webcrypto.CryptoKeyPair;
  readonly signing: SigningKey;
  /** PKCS#8 */
  readonly pem: string;
}

/** ECDSA signs ten times as fast in each handshake; RSA is for peers too old to know it. */
export async function makeKey(kind: KeyKind): Promise<NewKey> {
  const algorithm = kind === "rsa" ? RSA : ECDSA;
  const pair = (await webcrypto.subtle.generateKey(algorithm, true, [
    "sign",
    "verify",
  ])) as webcrypto.CryptoKeyPair;
  const der = Buffer.from(await webcrypto.subtle.exportKey("pkcs8", pair.privateKey));
  const lines = der.toString("base64").match(/.{1,64}/g) ?? [];
  const pem = ["-----BEGIN PRIVATE KEY-----", ...lines, "-----END PRIVATE KEY-----", ""].join("\n");
  return { pair, signing: { key: pair.privateKey, algorithm }, pem };
}

/** The key of an authority that exists already, of whatever program. Throws USAGE naming the file. */
export async function loadSigningKey(pem: string, path: string): Promise<SigningKey> {
  const key = parse(pem, path);
  const algorithm = algorithmOf(key, path);
  const der = key.export({ type: "pkcs8", format: "der" });
  return { key: await webcrypto.subtle.importKey("pkcs8", der, algorithm, false, ["sign"]), algorithm };
}

function parse(pem: string, path: string): KeyObject {
  try {
    return createPrivateKey(pem);
  } catch {
    throw new SluiceError("USAGE", `${path} holds no private key without a passphrase`);
  }
}

function algorithmOf({ asymmetricKeyType, asymmetricKeyDetails }: KeyObject, path: string): SigningAlgorithm {
  const namedCurve = CURVES[asymmetricKeyDetails?.namedCurve ?? ""];
  if (asymmetricKeyType === "rsa") return RSA;
  if (asymmetricKeyType === "ec" && namedCurve !== undefined)
    return { name: "ECDSA", namedCurve, hash: "SHA-256" };
  throw new SluiceError("USAGE", `${path} is neither an RSA nor an ECDSA key (P-256, P-384, P-521)`);
}
