import { expect, test } from "bun:test";
import { othersTranslate } from "./other-nat.ts";

const OWN = `table inet sluice_gate_3308 {
	chain remote {
		type nat hook prerouting priority dstnat; policy accept;
		fib daddr type local tcp dport @open dnat to :3306
	}
}
table ip nat {
	chain SLUICE-REAL-3308 {
		ct state new counter packets 0 bytes 0 reject with tcp reset
	}
	chain PREROUTING {
		type nat hook prerouting priority dstnat; policy accept;
		ct state new counter packets 3 bytes 180 jump SLUICE-REMOTE-3308
	}
}
`;

test("our own rules do not count", () => {
  expect(othersTranslate(OWN)).toBe(false);
  expect(othersTranslate("-A PREROUTING -m conntrack --ctstate NEW -j SLUICE-REMOTE-3308")).toBe(false);
});

test("tracking alone does not translate", () => {
  expect(othersTranslate("-A INPUT -m conntrack --ctstate ESTABLISHED -j ACCEPT")).toBe(false);
});

test.each([
  `${OWN}table ip docker {\n\tchain DOCKER {\n\t\ttcp dport 80 dnat to 172.17.0.2:80\n\t}\n}\n`,
  "-A PREROUTING -p tcp --dport 80 -j REDIRECT --to-ports 8080",
  "-A POSTROUTING -o eth0 -j MASQUERADE",
])("others' do: %p", (rules) => {
  expect(othersTranslate(rules)).toBe(true);
});
