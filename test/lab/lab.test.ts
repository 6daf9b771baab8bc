import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { networkInterfaces, tmpdir } from "node:os";
import { fileURLToPath } from "node:url";
import { eventually } from "../eventually.ts";
import { Lab } from "./lab.ts";
import { Process } from "./process.ts";
import { run } from "./run.ts";

/** Everything of labs made by process `pid` that the machine still shows. */
function traces(pid: number): readonly string[] {
  const folders = readdirSync(tmpdir()).filter((entry) => entry.startsWith(`sluice-lab-${pid}-`));
  const programs = readdirSync("/proc")
    .filter((entry) => /^\d+$/.test(entry))
    .map((entry) => (existsSync(`/proc/${entry}/cmdline`) ? commandLine(entry) : ""))
    .filter((line) => line.includes(`sluice-lab-${pid}-`));
  const mounts = readFileSync("/proc/mounts", "utf8")
    .split("\n")
    .filter((line) => line.includes("sluice-lab"));
  return [...folders, ...programs, ...mounts];
}

function commandLine(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, "utf8").replaceAll("\0", " ");
  } catch {
    return ""; // it ended meanwhile
  }
}

function uplinks(): readonly string[] {
  return Object.keys(networkInterfaces()).filter((name) => name.startsWith("sluice-lab"));
}

describe("a lab", () => {
  test("labs stand side by side", async () => {
    const before = traces(process.pid);
    await using one = await Lab.create({ name: "one" });
    await using two = await Lab.create({ name: "two" });
    const [a, b] = await Promise.all([one.host("db1"), two.host("db1")]);
    expect(a.address).not.toBe(b.address);
    expect(one.uplink).not.toBe(two.uplink);
    await Promise.all([one.destroy(), two.destroy()]);
    // Those of labs before may vanish meanwhile.
    expect(traces(process.pid).filter((trace) => !before.includes(trace))).toEqual([]);
  });

  test("refuses names that are none, and work after its end", async () => {
    const lab = await Lab.create();
    await expect(lab.host("DB 1")).rejects.toThrow('host name "DB 1": use a small letter');
    await lab.destroy();
    await lab.destroy();
    await expect(lab.host("db1")).rejects.toThrow("has been destroyed");
  });

  test("without root it is refused, with the remedy", async () => {
    const lab = new URL("./lab.ts", import.meta.url).href;
    const script = `process.getuid = () => 1000; const { Lab } = await import("${lab}"); await Lab.create();`;
    const { code, stderr } = await run([process.execPath, "-e", script], { mayFail: true });
    expect(code).toBe(1);
    expect(stderr).toContain("the lab makes network namespaces and so needs root; run this as root");
  });

  test("killed with its owner, it leaves nothing: no daemon of a daemon, no mount, no interface, no file", async () => {
    const script = fileURLToPath(new URL("./fixtures/abandoned-lab.ts", import.meta.url));
    const owner = await Process.start([process.execPath, script]);
    const [, uplink = ""] = await owner.waitForOutput(/^built (\S+)$/m, 30_000);
    expect(uplinks()).toContain(uplink);
    expect(traces(owner.pid).length).toBeGreaterThan(3);
    owner.kill("SIGKILL");
    await owner.exited;
    await eventually(() => traces(owner.pid).length === 0, { what: "the end of every trace" });
    await eventually(() => !uplinks().includes(uplink), {
      what: "the end of the uplink",
    });
  });
});

describe("certificates", () => {
  let lab: Lab;
  beforeAll(async () => {
    lab = await Lab.create();
  });
  afterAll(async () => {
    await lab.destroy();
  });

  test("are for the names asked for, may have run out, and may come from a stranger", async () => {
    const good = await lab.certificate("good", { names: ["db1", "10.0.0.1"] });
    const old = await lab.certificate("old", { days: -1 });
    const foreign = await lab.certificate("foreign", { authority: "stranger" });
    const verify = async (certificate: string, ...more: readonly string[]): Promise<string> => {
      const argv = ["openssl", "verify", "-CAfile", good.authority, ...more, certificate];
      const { stdout, stderr } = await run(argv, { mayFail: true });
      return stdout + stderr;
    };
    expect(await verify(good.certificate, "-verify_ip", "10.0.0.1")).toContain("OK");
    expect(await verify(good.certificate, "-verify_hostname", "db2")).toContain("hostname mismatch");
    expect(await verify(old.certificate)).toContain("certificate has expired");
    expect(await verify(foreign.certificate)).toContain("unable to get local issuer certificate");
  });
});
