import { afterAll, afterEach, beforeAll, describe, expect, test } from "bun:test";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { createServer, type Server, type Socket, connect as tcp } from "node:net";
import { eventually } from "../eventually.ts";
import type { Host } from "./host.ts";
import { Lab } from "./lab.ts";

let lab: Lab;
let one: Host;
let two: Host;

beforeAll(async () => {
  lab = await Lab.create({ name: "host" });
  [one, two] = await Promise.all([lab.host("one"), lab.host("two")]);
});
afterAll(async () => {
  await lab.destroy();
});
afterEach(async () => {
  await two.restore();
});

/** The first line a TCP server says, or the error's code. */
async function greeting(address: string, port: number, withinMs = 3_000): Promise<string> {
  return await new Promise((resolve) => {
    const socket = tcp({ host: address, port, timeout: withinMs });
    const end = (what: string): void => {
      socket.destroy();
      resolve(what);
    };
    socket.on("data", (bytes) => end(bytes.toString().trim()));
    socket.on("error", (error: NodeJS.ErrnoException) => end(error.code ?? "?"));
    socket.on("close", () => end("closed"));
    socket.on("timeout", () => end("timeout"));
    setTimeout(end, withinMs, "timeout").unref();
  });
}

async function greeter(host: Host, port: number): Promise<void> {
  const process = await host.spawn([
    "socat",
    `TCP6-LISTEN:${port},fork,reuseaddr,ipv6only=0`,
    "SYSTEM:hostname; sleep 1",
  ]);
  await host.untilListening(process, [port]);
}

describe("a host", () => {
  test("has its own name, processes, files and firewall", async () => {
    expect((await one.run(["hostname"])).stdout).toBe("one\n");
    expect((await one.run(["sh", "-c", "echo $$; echo $PPID"])).stdout).toMatch(/^\d+\n0\n$/);
    one.write("/etc/sysconfig/thing", "of one\n");
    one.write("/dev/shm/off", "");
    expect((await one.run(["cat", "/etc/sysconfig/thing"])).stdout).toBe("of one\n");
    expect((await two.run(["ls", "/dev/shm/off"], { mayFail: true })).code).toBe(2);
    expect(existsSync("/dev/shm/off") || existsSync("/etc/sysconfig/thing")).toBe(false);
    expect(() => one.write("/usr/x", "")).toThrow("/usr/x is shared with the machine");
    await one.run(["iptables", "-A", "INPUT", "-p", "tcp", "--dport", "9", "-j", "DROP"]);
    expect((await two.run(["iptables", "-S"])).stdout).not.toContain("dport 9");
  });

  test("keeps what is written to it, where links lead to the machine's own files", async () => {
    const outside = `${lab.folder}/outside`;
    mkdirSync(outside);
    writeFileSync(`${outside}/file`, "the machine's\n");
    await one.run(["ln", "-s", `${outside}/file`, "/etc/link-to-file"]);
    await one.run(["ln", "-s", outside, "/etc/link-to-folder"]);
    one.write("/etc/link-to-file", "of one\n");
    expect((await one.run(["cat", "/etc/link-to-file"])).stdout).toBe("of one\n");
    expect(() => one.write("/etc/link-to-folder/file", "of one\n")).toThrow("leads out of the host");
    expect(readFileSync(`${outside}/file`, "utf8")).toBe("the machine's\n");
  });

  test("is reached from the test and from other hosts, by IPv4, IPv6 and name", async () => {
    await greeter(two, 7001);
    expect(await greeting(two.address, 7001)).toBe("two");
    expect(await greeting(two.address6, 7001)).toBe("two");
    expect((await one.run(["nc", "-w", "3", "two", "7001"])).stdout).toBe("two\n");
  });

  test("reaches the test process", async () => {
    const server: Server = createServer((socket: Socket) => socket.end("hello from the test\n"));
    await new Promise<void>((resolve) => server.listen(0, "::", resolve));
    const address = server.address();
    const port = typeof address === "object" && address ? `${address.port}` : "";
    expect((await one.run(["nc", "-w", "3", lab.address, port])).stdout).toBe("hello from the test\n");
    expect((await one.run(["nc", "-w", "3", lab.address6, port])).stdout).toBe("hello from the test\n");
    await new Promise((resolve) => server.close(resolve));
  });

  test("refuses, drops and recovers", async () => {
    expect(await greeting(two.address, 7999)).toBe("ECONNREFUSED");
    await greeter(two, 7002);
    await two.drop({ port: 7002 });
    expect(await greeting(two.address, 7002, 300)).toBe("timeout");
    expect((await two.run(["nc", "-zw1", "::1", "7002"], { mayFail: true })).code).toBe(1);
    await two.restore();
    expect(await greeting(two.address6, 7002)).toBe("two");
  });

  test("cut off, it is out of reach, and back as it was when restored", async () => {
    await greeter(two, 7003);
    expect(await greeting(two.address, 7003)).toBe("two");
    await two.cut();
    expect(await greeting(two.address, 7003, 300)).toBe("timeout");
    expect((await two.run(["nc", "-w", "3", "127.0.0.1", "7003"])).stdout).toBe("two\n");
    await two.restore();
    expect(await eventually(async () => (await greeting(two.address, 7003)) === "two")).toBe(true);
    expect(await eventually(async () => (await greeting(two.address6, 7003)) === "two")).toBe(true);
  });

  test("slowed, it answers late; with every frame lost, not at all", async () => {
    await greeter(two, 7004);
    await two.slow({ delayMs: 100 });
    const start = performance.now();
    expect(await greeting(two.address, 7004)).toBe("two");
    expect(performance.now() - start).toBeGreaterThan(300); // three times across at least
    await two.slow({ lossPercent: 100 });
    expect(await greeting(two.address, 7004, 300)).toBe("timeout");
    await two.restore();
    expect(await greeting(two.address, 7004)).toBe("two");
  });
});

describe("commands", () => {
  test("run with input, environment and user, and hand back how they ended", async () => {
    expect((await one.run(["cat"], { stdin: "text" })).stdout).toBe("text");
    expect((await one.run(["cat"])).stdout).toBe("");
    const env = (await one.run(["env"], { env: { KEY: "value" } })).stdout;
    expect(
      env
        .split("\n")
        .filter(Boolean)
        .map((line) => line.split("=")[0])
        .sort(),
    ).toEqual(["HOME", "KEY", "LANG", "PATH"]);
    expect((await one.run(["id", "-un"], { user: "mysql" })).stdout).toBe("mysql\n");
    expect(await one.run(["sh", "-c", "echo no >&2; exit 3"], { mayFail: true })).toEqual({
      code: 3,
      signal: null,
      stdout: "",
      stderr: "no\n",
    });
    expect((await one.run(["sh", "-c", "kill -9 $$"], { mayFail: true })).signal).toBe("SIGKILL");
    await expect(one.run(["sh", "-c", "echo no >&2; exit 3"])).rejects.toThrow("exit 3 ended with 3: no");
    await expect(one.run(["no-such-command"])).rejects.toThrow("no-such-command");
    await expect(one.run(["true"], { user: "nobody-here" })).rejects.toThrow("no user nobody-here");
  });

  test("past their deadline are killed, children and all", async () => {
    await expect(one.run(["sh", "-c", "sleep 987 & wait"], { timeoutMs: 200 })).rejects.toThrow(
      "nothing within 200 ms",
    );
    await eventually(async () => !(await one.run(["ps", "ax"])).stdout.includes("sleep 987"));
  });

  test("that go on are watched, stopped, continued and ended", async () => {
    const ticker = await one.spawn([
      "bash",
      "-c",
      "trap 'echo bye; exit 7' TERM; while :; do echo tick; sleep 0.02; done",
    ]);
    await ticker.waitForOutput(/tick\ntick/);
    await ticker.stop();
    await one.run(["sleep", "0.1"]); // meanwhile what was in the pipe is read
    const length = ticker.output.length;
    await one.run(["sleep", "0.1"]);
    expect(ticker.output.length).toBe(length);
    await ticker.cont();
    await eventually(() => ticker.output.length > length + 50);
    await expect(ticker.waitForOutput(/never/, 50)).rejects.toThrow("nothing within 50 ms");
    expect(await ticker.terminate()).toEqual({ code: 7, signal: null });
    expect(ticker.hasExited).toBe(true);
    await expect(ticker.waitForOutput(/never/)).rejects.toThrow(/ended before it said \/never\/ \(exit 7\)/);
  });

  test("that are stopped can be killed; output is capped", async () => {
    const loud = await one.spawn(["sh", "-c", "yes 0123456789 | head -c 9000000; echo done; sleep 1000"]);
    await loud.waitForOutput(/done/);
    expect(loud.output.length).toBeLessThanOrEqual(1 << 20);
    await loud.stop();
    loud.kill();
    expect(await loud.exited).toEqual({ code: null, signal: "SIGKILL" });
  });
});
