import { expect, test } from "bun:test";
import { type Forwarding, requireForwarding } from "./forwarding.ts";

const NOTHING: Forwarding = {
  forwards: { 4: false, 6: false },
  routesLoopback: false,
  ownAddresses: new Set(["10.0.0.9", "127.0.0.1"]),
  idleLimitSeconds: 432_000,
  mostConnections: 262_144,
};
const forwards = (families: Partial<Forwarding["forwards"]>): Forwarding => ({
  ...NOTHING,
  forwards: { ...NOTHING.forwards, ...families },
});

test.each<[string, readonly string[], readonly string[], Forwarding, string | undefined]>([
  ["a server on this host", ["::"], ["10.0.0.9"], NOTHING, undefined],
  ["a server elsewhere", ["::"], ["10.0.0.1"], NOTHING, "sysctl -w net.ipv4.ip_forward=1, and put it"],
  ["a server elsewhere, forwarded", ["::"], ["10.0.0.1"], forwards({ 4: true }), undefined],
  ["an IPv6 one", ["::"], ["10.0.0.1", "fd00::1"], forwards({ 4: true }), "net.ipv6.conf.all.forwarding=1"],
  ["an IPv6 one that nobody can ask for", ["0.0.0.0"], ["fd00::1"], NOTHING, undefined],
  ["a loopback address", ["127.0.0.1"], ["10.0.0.1"], NOTHING, "net.ipv4.conf.all.route_localnet=1"],
  [
    "a loopback address, let out",
    ["127.0.0.1"],
    ["10.0.0.1"],
    { ...NOTHING, routesLoopback: true },
    undefined,
  ],
])("%s", (_, listeners, servers, forwarding, remedy) => {
  const require = (): void => requireForwarding(listeners, servers, forwarding);
  if (remedy === undefined) expect(require).not.toThrow();
  else expect(require).toThrow(remedy);
});
