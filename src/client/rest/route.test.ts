import { expect, test } from "bun:test";
import { formatRoute, localDaemon, parseHosts } from "./route.ts";

test.each([
  ["a:1", false, [["a:1", "a:1", false]]],
  ["a", false, [["a", "a:8989", false]]],
  [
    "a:1, b",
    true,
    [
      ["a:1", "a:1", true],
      ["b", "b:8989", true],
    ],
  ],
  [
    "https://a:1,http://b",
    false,
    [
      ["https://a:1", "a:1", true],
      ["http://b", "b:8989", false],
    ],
  ],
  ["http://b/", true, [["http://b/", "b:8989", false]]],
  ["[fd00::1]:99", false, [["[fd00::1]:99", "[fd00::1]:99", false]]],
  ["[fd00::1]", false, [["[fd00::1]", "[fd00::1]:8989", false]]],
  ["/run/x.sock", true, [["/run/x.sock", "/run/x.sock", undefined]]],
] as const)("%s", (text, secure, expected) => {
  const daemons = parseHosts(text, secure).map(({ name, routes: [route] }) => [
    name,
    route === undefined ? "" : formatRoute(route),
    route?.kind === "tcp" ? route.secure : undefined,
  ]);
  expect(daemons).toEqual(expected as unknown as typeof daemons);
});

test.each([
  ["", '--hosts "": no address'],
  ["a:0", '--hosts "a:0": no port from 1 to 65535 at its end'],
  ["a b", '--hosts "a b": neither a name nor an address'],
  ["fd00::1:99", '--hosts "fd00::1:99": an IPv6 address needs brackets'],
  ["a,a:8989", "--hosts names a:8989 twice"],
])("refuses %p", (text, message) => {
  expect(() => parseHosts(text, false)).toThrow(message);
});

test("this host: the socket first", () => {
  expect(localDaemon("/run/sluice/admin.sock", false).routes.map(formatRoute)).toEqual([
    "/run/sluice/admin.sock",
    "127.0.0.1:8989",
  ]);
});
