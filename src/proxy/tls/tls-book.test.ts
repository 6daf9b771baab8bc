import { afterAll, beforeAll, expect, test } from "bun:test";
import { MadeCertificates } from "../../../test/support/made-certificates.ts";
import type { TlsMaterial } from "../../topology/tls-material.ts";
import { TlsBook } from "./tls-book.ts";

let made: MadeCertificates;
beforeAll(() => {
  made = new MadeCertificates();
});
afterAll(() => made.remove());

const material = (fingerprint: string, more: Partial<TlsMaterial> = {}): TlsMaterial => ({
  fingerprint,
  ca: made.text("ca.crt"),
  verifyCertificate: true,
  verifyHost: false,
  ...more,
});

test("who is not in it does without TLS, whatever the name", () => {
  const book = new TlsBook();
  book.put({ listeners: {}, servers: { db1: material("a") } });
  expect(book.server("db2")).toEqual({ kind: "none" });
  expect(book.listener("db1")).toEqual({ kind: "none" });
  expect(book.server("constructor")).toEqual({ kind: "none" });
  expect(book.server("db1").kind).toBe("tls");
});

test("equal material shares one context, which outlives the next message", () => {
  const book = new TlsBook();
  book.put({ listeners: {}, servers: { db1: material("a"), db2: material("a"), db3: material("b") } });
  const first = book.server("db1");
  expect(book.server("db2")).toBe(first);
  expect(book.server("db3")).not.toBe(first);
  book.put({ listeners: {}, servers: { db1: material("a"), db3: material("c") } });
  expect(book.server("db1")).toBe(first);
  expect(book.server("db2")).toEqual({ kind: "none" });
});

test("what cannot be made is broken, and never without TLS", () => {
  const book = new TlsBook();
  const servers = {
    db1: { broken: "there is no file" },
    db2: material("x", { cert: "no PEM", key: "no PEM" }),
  };
  book.put({ listeners: {}, servers });
  expect(book.server("db1")).toEqual({ kind: "broken", reason: "there is no file" });
  const db2 = book.server("db2");
  expect(db2.kind).toBe("broken");
  expect(JSON.stringify(db2)).not.toContain("no PEM");
});
