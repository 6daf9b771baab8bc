import { expect, test } from "bun:test";
import { Conntrack, parseFlows } from "./conntrack.ts";

const ENDS =
  "src=10.0.0.9 dst=10.0.0.5 sport=4711 dport=4008 src=10.0.0.1 dst=10.0.0.5 sport=3306 dport=1024";

test("both directions of each connection that has not ended", () => {
  const listing = [
    `tcp      6 431999 ESTABLISHED ${ENDS} [ASSURED] mark=0 use=1 id=2884011`,
    `tcp      6 80 TIME_WAIT ${ENDS} [ASSURED] mark=0 use=1 id=2884012`,
    "tcp      6 110 SYN_SENT src=fd00::9 dst=fd00::5 sport=4712 dport=4008 [UNREPLIED] src=fd00::1 dst=fd00::5 sport=3306 dport=4712 mark=0 use=1",
    "conntrack v1.4.7 (conntrack-tools): 3 flow entries have been shown.",
    "",
  ].join("\n");
  expect(parseFlows(listing)).toEqual([
    {
      id: 2884011,
      state: "ESTABLISHED",
      secondsLeft: 431999,
      client: { address: "10.0.0.9", port: 4711 },
      listener: { address: "10.0.0.5", port: 4008 },
      server: { address: "10.0.0.1", port: 3306 },
      seenAs: { address: "10.0.0.5", port: 1024 },
    },
    {
      id: 0,
      state: "SYN_SENT",
      secondsLeft: 110,
      client: { address: "fd00::9", port: 4712 },
      listener: { address: "fd00::5", port: 4008 },
      server: { address: "fd00::1", port: 3306 },
      seenAs: { address: "fd00::5", port: 4712 },
    },
  ]);
});

test("what is asked of the program, and that nothing to forget is no mistake", async () => {
  const commands: string[] = [];
  const conntrack = new Conntrack(async (argv) => {
    commands.push(argv.join(" "));
    return { code: argv[1] === "-D" ? 1 : 0, stdout: "", stderr: "0 flow entries have been deleted" };
  });
  await conntrack.list(4, { port: 3308, serverPort: 3306 });
  await conntrack.list(6, {});
  await conntrack.forget(6, { port: 4008, server: "fd00::1", serverPort: 3306 });
  await conntrack.forget(4, { port: 4008, client: { address: "10.0.0.9", port: 4711 } });
  await conntrack.forgetOwn({ address: "fd00::5", port: 4008 });
  expect(commands).toEqual([
    "conntrack -L -f ipv4 -p tcp --orig-port-dst 3308 --reply-port-src 3306 -o id",
    "conntrack -L -f ipv6 -p tcp --dst-nat -o id",
    "conntrack -D -f ipv6 -p tcp --orig-port-dst 4008 --reply-port-src 3306 --reply-src fd00::1 -o id",
    "conntrack -D -f ipv4 -p tcp --orig-port-dst 4008 --orig-src 10.0.0.9 --orig-port-src 4711 -o id",
    "conntrack -D -f ipv6 -p tcp --orig-src fd00::5 --orig-port-src 4008 -o id",
  ]);
});

test("without the program: which package", async () => {
  const conntrack = new Conntrack(async () => ({ code: 127, stdout: "", stderr: "spawn conntrack ENOENT" }));
  await expect(conntrack.list(4, { port: 3308 })).rejects.toThrow(
    "conntrack is not installed: apt-get install conntrack, or dnf install conntrack-tools",
  );
});
