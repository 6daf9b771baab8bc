import { describe, expect, test } from "bun:test";
import { Credentials } from "./credentials.ts";

const base64 = (text: string) => Buffer.from(text).toString("base64");

describe("Credentials", () => {
  const both = new Credentials({ basic: { user: "mon", password: "pä:ss" }, bearer: "t0ken" });

  test.each([
    `Basic ${base64("mon:pä:ss")}`,
    `basic  ${base64("mon:pä:ss")}`,
    "Bearer t0ken",
    "BEARER t0ken",
  ])("%s is let in", (header) => expect(both.accept(header)).toBe(true));

  test.each([
    undefined,
    "",
    "Basic",
    "Bearer",
    "Bearer ",
    "Bearer t0keN",
    "Bearer mon:pä:ss",
    `Basic ${base64("mon:")}`,
    `Basic ${base64("t0ken")}`,
    `Bearer ${base64("mon:pä:ss")}`,
    `Digest ${base64("mon:pä:ss")}`,
    "Bearer t0ken more",
  ])("%s is not", (header) => expect(both.accept(header)).toBe(false));

  test("with only one kind set, the other is refused", () => {
    expect(new Credentials({ bearer: "t" }).accept(`Basic ${base64(":")}`)).toBe(false);
    expect(new Credentials({ bearer: "t" }).challenge).toBe('WWW-Authenticate: Bearer realm="sluice"');
    expect(both.challenge).toBe('WWW-Authenticate: Basic realm="sluice"');
  });
});
