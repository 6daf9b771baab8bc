import { expect, test } from "bun:test";
import type { RunCommand } from "../../system/run-command.ts";
import { GatedConnections, socketFilter } from "./gated-connections.ts";

const PLAN = { mirrorPort: 3308, realPort: 3306, sources: "all", protectExcept: undefined } as const;
const line = (state: string, client: string, port: number): string =>
  `tcp      6 431999 ${state} src=${client} dst=10.0.0.1 sport=${port} dport=3308 src=10.0.0.1 dst=${client} sport=3306 dport=${port} [ASSURED] mark=0 use=1`;

test("the server's end of each, for ss", () => {
  const clients = [
    { address: "10.0.0.9", port: 4711 },
    { address: "fd00::9", port: 4712 },
  ];
  expect(socketFilter(PLAN, clients)).toBe("sport = :3306 and ( dst 10.0.0.9:4711 or dst [fd00::9]:4712 )");
});

test("sockets first, while the kernel still knows whose they are; nothing is done where there are none", async () => {
  const commands: string[] = [];
  let listing = line("ESTABLISHED", "10.0.0.9", 4711);
  const run: RunCommand = async (argv) => {
    commands.push(argv.slice(0, 4).join(" "));
    return { code: 0, stdout: argv.includes("ipv4") ? listing : "", stderr: "" };
  };
  expect(await new GatedConnections(PLAN, run).cut()).toBe(1);
  expect(commands).toEqual([
    "conntrack -L -f ipv4",
    "conntrack -L -f ipv6",
    "ss -K -H -n",
    "conntrack -D -f ipv4",
    "conntrack -D -f ipv6",
  ]);
  listing = "";
  expect(await new GatedConnections(PLAN, run).cut()).toBe(0);
  expect(commands).toHaveLength(7);
});

test("who came between the listing and the forgetting is ended on the server as well", async () => {
  const killed: string[] = [];
  const run: RunCommand = async (argv) => {
    if (argv[0] === "ss") killed.push(argv.at(-1) ?? "");
    const isForgetting = argv.includes("-D");
    const clients = argv.includes("ipv4") ? [4711, ...(isForgetting ? [4712] : [])] : [];
    const stdout = clients.map((client) => line("ESTABLISHED", "10.0.0.9", client)).join("\n");
    return { code: 0, stdout, stderr: "" };
  };
  expect(await new GatedConnections(PLAN, run).cut()).toBe(2);
  expect(killed).toEqual([
    "sport = :3306 and ( dst 10.0.0.9:4711 )",
    "sport = :3306 and ( dst 10.0.0.9:4712 )",
  ]);
});

test("without conntrack: which package", async () => {
  const run: RunCommand = async () => ({ code: 127, stdout: "", stderr: "spawn conntrack ENOENT" });
  await expect(new GatedConnections(PLAN, run).check()).rejects.toThrow(
    "conntrack is not installed: apt-get install conntrack, or dnf install conntrack-tools",
  );
});
