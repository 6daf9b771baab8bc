import { describe, expect, test } from "bun:test";
import { AllowList } from "./allow-list.ts";

describe("AllowList", () => {
  const list = new AllowList(["10.1.0.0/16", "192.0.2.7", "fd00::/8", "2001:db8::5", "172.16.9.9/12"]);

  test.each([
    "10.1.0.0",
    "10.1.255.255",
    "192.0.2.7",
    "::ffff:10.1.2.3",
    "::FFFF:192.0.2.7",
    "fd12::1",
    "fdff:ffff::",
    "2001:db8::5",
    "2001:0db8:0:0:0:0:0:5",
    "172.31.0.1",
    "fd12::1%eth0",
  ])("%s may come in", (address) => expect(list.allows(address)).toBe(true));

  test.each([
    "10.2.0.1",
    "192.0.2.8",
    "::ffff:10.2.0.1",
    "fe80::1",
    "2001:db8::6",
    "::1",
    "127.0.0.1",
    "172.32.0.1",
    "",
    "db1",
    undefined,
  ])("%s may not", (address) => expect(list.allows(address)).toBe(false));

  test("an empty list lets nobody in, and /0 everybody of its family", () => {
    expect(new AllowList([]).allows("127.0.0.1")).toBe(false);
    const all = new AllowList(["0.0.0.0/0"]);
    expect([all.allows("203.0.113.9"), all.allows("::ffff:203.0.113.9"), all.allows("::1")]).toEqual([
      true,
      true,
      false,
    ]);
  });

  test.each([
    "10.0.0.0/33",
    "fd00::/129",
    "10.0.0",
    "db1",
    "10.0.0.0/8/8",
    "10.0.0.0/x",
    "10.0.0.0/",
    "",
    "10.0.0.0/-1",
  ])("%s is refused with a sentence", (network) =>
    expect(() => new AllowList([network])).toThrow(/only_from: .* neither an address nor a network/),
  );
});
