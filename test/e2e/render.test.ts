// What `sluice render` prints, Debian's own programs take.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdirSync, readFileSync, statSync } from "node:fs";
import type { Host } from "../lab/host.ts";
import { Lab } from "../lab/lab.ts";
import { runSluice, sluicePath } from "../lab/sluice.ts";

const CONFIG = "/etc/sluice.cnf";
const FLEET = `
[db1]
type=server
address=10.0.0.1
weight=2
[db2]
type=server
address=fd00::2
[db3]
type=server
address=db3.example
[cluster]
type=monitor
module=MODULE
servers=db1,db2,db3
user=m
password=p
[track]
type=publisher
module=track-file
monitor=cluster
file=/var/lib/sluice/track
`;

let lab: Lab;
let host: Host;

beforeAll(async () => {
  lab = await Lab.create({ name: "render" });
  host = await lab.host("box01");
  host.write(CONFIG, FLEET.replace("MODULE", "galeramon"));
  host.write("/etc/replication.cnf", FLEET.replace("MODULE", "mariadbmon"));
  host.write("/etc/vrrp.password", "C97;*V69\n", 0o600);
  mkdirSync(host.path("/run/haproxy"), { recursive: true });
});

afterAll(async () => {
  await lab.destroy();
});

async function render(kind: string, args: readonly string[] = []): Promise<string> {
  const { stdout } = await runSluice(host, ["render", kind, ...args]);
  const file = `/etc/rendered-${kind}`;
  host.write(file, stdout);
  return file;
}

describe("haproxy -c", () => {
  const FORMS: readonly (readonly [name: string, args: readonly string[]])[] = [
    ["Galera on one port", []],
    [
      "one writer, agent checks and figures",
      ["--writers", "one", "--agent-port", "9201", "--stats-port", "8404"],
    ],
    ["replication", ["--config", "/etc/replication.cnf", "--max-lag", "5s", "--balance", "random"]],
    [
      "bound to an address",
      ["--bind", "fd00::64", "--interval", "200ms", "--socket", "/run/haproxy/other.sock"],
    ],
  ];
  test.each(FORMS)("%s", async (_name, args) => {
    const file = await render("haproxy", args);
    const { stdout, stderr } = await host.run(["haproxy", "-c", "-f", file]);
    expect(stdout + stderr).toContain("Configuration file is valid");
    // The lab has no nameserver; everything else that HAProxy warns of would be ours.
    const warnings = stderr.match(/\[WARNING\].*/g) ?? [];
    expect(warnings.filter((line) => !/nameserver|could not resolve/.test(line))).toEqual([]);
  });
});

describe("keepalived -t", () => {
  const PAIR = ["--vip", "10.0.0.100/24,fd00::64/64", "--interface", "eth0", "--script-user", "root"];
  const MAIL = [
    "--mail-to",
    "dba@example.com",
    "--mail-from",
    "box01@example.com",
    "--smtp-server",
    "10.0.0.9:25",
  ];
  const FORMS: readonly (readonly [name: string, args: readonly string[]])[] = [
    ["master", ["--role", "master"]],
    [
      "backup, with password and mail",
      ["--role", "backup", "--auth-pass-file", "/etc/vrrp.password", ...MAIL],
    ],
    ["track file", ["--role", "master", "--check", "track-file", "--no-notify"]],
    [
      "agent, unicast, nopreempt",
      [
        "--role",
        "backup",
        "--check",
        "agent",
        "--no-preempt",
        "--own-address",
        "10.0.0.11",
        "--peer",
        "10.0.0.12,10.0.0.13",
      ],
    ],
  ];
  test.each(FORMS)("%s", async (_name, args) => {
    const file = await render("keepalived", [...PAIR, "--sluice", sluicePath(), ...args]);
    const { stdout, stderr } = await host.run(["keepalived", "-t", "-f", file]);
    // Where the tests' own folder is writable by others, that is said of the executable.
    const said = `${stdout}${stderr}`.split("\n").filter((line) => line !== "" && !line.includes("SECURITY"));
    expect(said).toEqual([]);
  });

  test("a password that keepalived would cut off is refused", async () => {
    host.write("/etc/vrrp.long", "123456789\n");
    const args = ["render", "keepalived", "--role", "master", ...PAIR, "--auth-pass-file", "/etc/vrrp.long"];
    const { code, stderr } = await runSluice(host, args, { mayFail: true });
    expect(code).toBe(2);
    expect(stderr).toContain("its first line has 9 characters; VRRP knows 1 to 8");
  });
});

test("nginx -t", async () => {
  host.write("/etc/numbers.cnf", FLEET.replace("MODULE", "galeramon").replace("db3.example", "10.0.0.3"));
  for (const balance of ["least_conn", "round_robin", "hash"]) {
    const file = await render("nginx", ["--config", "/etc/numbers.cnf", "--balance", balance]);
    const { stderr } = await host.run(["nginx", "-t", "-c", file, "-e", "stderr"]);
    expect(stderr).toContain("test is successful");
    expect(stderr).not.toContain("[warn]");
  }
});

test("systemd-analyze verify", async () => {
  const { stdout } = await runSluice(host, ["render", "systemd", "--sluice", sluicePath()]);
  host.write("/etc/systemd/system/sluice.service", stdout);
  const unit = "/etc/systemd/system/sluice.service";
  const { stderr } = await host.run(["systemd-analyze", "verify", "--man=no", unit], { mayFail: true });
  expect(stderr).not.toMatch(/sluice\.service/);
});

test("--diff shows what --write would change; --write keeps what was there, and its mode", async () => {
  const file = "/etc/haproxy/haproxy.cfg";
  host.write(file, "# by hand\n", 0o640);
  const diff = await runSluice(host, ["render", "haproxy", "--diff", file], { mayFail: true });
  expect(diff.code).toBe(1);
  expect(diff.stdout).toContain("-# by hand\n+# HAProxy in front of cluster");
  expect((await runSluice(host, ["render", "haproxy", "--write", file])).stdout).toContain(`${file}.bak`);
  expect(readFileSync(host.path(`${file}.bak`), "utf8")).toBe("# by hand\n");
  expect(statSync(host.path(file)).mode & 0o777).toBe(0o640);
  expect((await runSluice(host, ["render", "haproxy", "--diff", file])).stdout).toBe("");
  const again = await runSluice(host, ["render", "haproxy", "--write", file]);
  expect(again.stdout).toContain("nothing was written");
});

test("an option of another kind is told", async () => {
  const { code, stderr } = await runSluice(host, ["render", "nginx", "--vip", "10.0.0.1"], { mayFail: true });
  expect(code).toBe(2);
  expect(stderr).toContain("--vip is not an option of render nginx");
});
