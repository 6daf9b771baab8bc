import { expect, test } from "bun:test";
import { ipv6Text } from "./ip-address.ts";

test.each([
  ["FD00:0:0:0:0:0:0:1", "fd00::1"],
  ["fd00::1", "fd00::1"],
  ["::", "::"],
  ["::1", "::1"],
  ["1::", "1::"],
  ["2001:db8:0:0:1:0:0:1", "2001:db8::1:0:0:1"],
  ["2001:db8:0:1:1:1:1:1", "2001:db8:0:1:1:1:1:1"],
  ["2001:0:0:1:0:0:0:1", "2001:0:0:1::1"],
  ["10:0:0:0:0:0:0:10", "10::10"],
])("%s is written %s", (address, text) => {
  expect(ipv6Text(address)).toBe(text);
});
