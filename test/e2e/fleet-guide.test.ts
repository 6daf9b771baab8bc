import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { readFileSync } from "node:fs";
import { FleetDaemon } from "../lab/fleet-daemon.ts";
import { Lab } from "../lab/lab.ts";

// docs/fleet.md as an operator would follow it: its file, its commands in their order, its curl. No server is there to answer.

setDefaultTimeout(60_000);

const GUIDE = readFileSync(new URL("../../docs/fleet.md", import.meta.url), "utf8");
const [INI = "", LOOKS = "", CHANGES = "", REST = ""] = [...GUIDE.matchAll(/```\w+\n(.*?)```/gs)].map(
  ([, text]) => text,
);

let lab: Lab;
let daemon: FleetDaemon;

beforeAll(async () => {
  lab = await Lab.create({ name: "fleet-guide" });
  const control = await lab.host("control");
  control.write("/etc/sluice/monitor.password", "secret\n", 0o600);
  daemon = await FleetDaemon.start(control, INI);
}, 60_000);

afterAll(async () => {
  await lab.destroy();
});

/** The commands of a block that end by themselves and need nobody to type. */
function commandsOf(block: string): readonly string[] {
  return block
    .split("\n")
    .map((line) => line.replace(/\s+#.*/, ""))
    .filter((line) => line.startsWith("sluice ") && !/ run | --follow| user /.test(line));
}

test.each([...commandsOf(LOOKS), ...commandsOf(CHANGES)])("%s", async (line) => {
  const { code, stderr } = await daemon.command(...line.split(" ").slice(1));
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
});

test("the changes are there", async () => {
  const { stdout } = await daemon.command("list", "servers");
  expect(stdout).toContain("db3");
  const monitor = await daemon.command("show", "monitor", "cluster");
  expect(monitor.stdout).toContain("500ms");
});

test("the first account over TCP, and nobody without one", async () => {
  const script = REST.split("\n").slice(0, 2).join("\n").replace("/var/lib/sluice", daemon.stateFolder);
  const { stdout } = await daemon.host.run(["bash", "-ec", script]);
  expect(JSON.parse(stdout).data).toHaveLength(3);
  const without = await daemon.host.run(["curl", "-si", "http://127.0.0.1:8989/v1/servers"]);
  expect(without.stdout).toContain("401");
});
