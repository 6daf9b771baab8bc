import { afterEach, describe, expect, test } from "bun:test";
import { spawn } from "node:child_process";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { eventually } from "../../test/eventually.ts";
import { FakeClock } from "../../test/support/fake-clock.ts";
import { RecordingLog } from "../../test/support/recording-log.ts";
import { aScriptServer } from "../../test/support/script-servers.ts";
import { anEvent } from "../../test/support/some-events.ts";
import { TemporaryFolders } from "../../test/support/temporary-folders.ts";
import { EventScript, type EventScriptOptions } from "./event-script.ts";

const folders = new TemporaryFolders();
const opened: EventScript[] = [];
afterEach(async () => {
  await Promise.all(opened.splice(0).map((script) => script.close()));
  folders.remove();
});

const SERVERS = [
  aScriptServer("db1", "10.0.0.1", { role: "primary" }),
  aScriptServer("db2", "10.0.0.2", { role: "replica" }, ["db1"]),
];

/** A folder, a script in it, and the EventScript that runs it with `args`. */
function setUp(body: string, args = "", changes: Partial<EventScriptOptions> = {}) {
  const folder = folders.make();
  const file = join(folder, "script");
  writeFileSync(file, `#!/bin/sh\ncd ${folder}\n${body}\n`, { mode: 0o755 });
  const log = new RecordingLog();
  const clock = new FakeClock();
  const script = new EventScript({
    monitor: "fleet",
    commandLine: `${file} ${args}`,
    events: ["all"],
    timeoutMs: 90_000,
    isPassive: () => false,
    log,
    clock,
    ...changes,
  });
  opened.push(script);
  const path = (name: string) => join(folder, name);
  const logged = (event: string) => log.lines.filter(({ fields }) => fields["event"] === event);
  const texts = (event: string) =>
    logged(event).map(({ level, message }) => `${level} ${message.replaceAll(file, "SCRIPT")}`);
  const ended = (count = 1) =>
    eventually(() => logged("script_ended").length >= count && texts("script_ended"), { what: "its end" });
  return { script, log, clock, file, path, texts, ended };
}

/** What has ended, and nobody has asked for its exit code yet, is not alive. */
const isAlive = (pid: number): boolean => {
  try {
    return !/^State:\tZ/m.test(readFileSync(`/proc/${pid}/status`, "utf8"));
  } catch {
    return false;
  }
};
const pidIn = (file: string): Promise<number> =>
  eventually(() => existsSync(file) && Number.parseInt(readFileSync(file, "utf8"), 10), { what: file });

describe("a script", () => {
  test("gets its words as they are, each as one argument", async () => {
    const { script, texts, ended } = setUp(
      `for arg; do echo "<$arg>"; done`,
      `--event=$EVENT '$INITIATOR; rm -rf *' $PARENT "a  b" $LIST $SLAVELIST \\$HOME 'it'"'"'s' '' $(id)`,
    );
    script.handle([anEvent({ server: "db2", event: "server_up", maxscaleEvent: "slave_up" })], SERVERS);
    expect(await ended()).toEqual(["info script: SCRIPT at slave_up of db2 ended with exit code 0"]);
    expect(texts("script_output")).toEqual([
      "info <--event=slave_up>",
      "info <[10.0.0.2]:3306; rm -rf *>",
      "info <[10.0.0.1]:3306>",
      "info <a  b>",
      "info <[10.0.0.1]:3306,[10.0.0.2]:3306>",
      "info <[10.0.0.2]:3306>",
      "info <$HOME>",
      "info <it's>",
      "info <>",
      "info <$(id)>",
    ]);
  });

  test("has nothing of ours but PATH: no variables, no input, no open files, a group of its own", async () => {
    const { script, texts, ended, log } = setUp(
      `cat; env | cut -d= -f1 | sort; ls /proc/self/fd | wc -l; test "$(ps -o pgid= $$)" -ne ${process.pid} && echo own`,
    );
    script.handle([anEvent()], SERVERS);
    await ended();
    // ls has 0, 1, 2 and the folder that it reads.
    expect(texts("script_output").filter((line) => !/ (PWD|OLDPWD|SHLVL|_)$/.test(line))).toEqual([
      "info PATH",
      "info 4",
      "info own",
    ]);
    expect(log.lines.every(({ fields }) => fields["monitor"] === "fleet")).toBe(true);
    expect(log.lines.every(({ fields }) => fields["server"] === "db1")).toBe(true);
  });

  test("may open the devices of its output", async () => {
    const { script, texts, ended } = setUp("echo 'error: one' >/dev/stderr; echo two | tee /dev/stdout >&2");
    script.handle([anEvent()], SERVERS);
    await ended();
    expect(texts("script_output")).toEqual(["error one", "info two", "info two"]);
  });

  test.each([
    ["exit 7", "warn script: SCRIPT at master_up of db1 ended with exit code 7"],
    ["kill -9 $$", "warn script: SCRIPT at master_up of db1 ended with exit code 137"],
  ])("that fails is told of: %s", async (body, sentence) => {
    const { script, ended } = setUp(body);
    script.handle([anEvent()], SERVERS);
    expect(await ended()).toEqual([sentence]);
  });

  test.each(["/nowhere/script", "no-such-script", "/tmp"])(
    "that is not there is told of at the start, and when it should run: %s",
    async (commandLine) => {
      const { script, texts, ended } = setUp("", "", { commandLine });
      expect(texts("script_missing")).toEqual([
        `warn script: ${commandLine} is not there, or not executable`,
      ]);
      script.handle([anEvent()], SERVERS);
      expect(await ended()).toEqual([
        expect.stringMatching(/^warn script: .* at master_up of db1 ended with exit code 12[67]$/),
      ]);
    },
  );

  test("is a command, and never something a shell knows by itself", async () => {
    const { script, ended, path } = setUp("", "", { commandLine: "eval touch made" });
    script.handle([anEvent()], SERVERS);
    expect((await ended())[0]).toContain("exit code 127");
    expect(existsSync(path("made"))).toBe(false);
  });

  test("is found in the folders of PATH", async () => {
    const { script, texts, ended } = setUp("", "", { commandLine: "printf '%s\\n' $EVENT" });
    script.handle([anEvent()], SERVERS);
    await ended();
    expect(texts("script_missing")).toEqual([]);
    expect(texts("script_output")).toEqual(["info master_up"]);
  });

  test("whose command line is wrong is refused", () => {
    expect(() => setUp("", "$CREDENTIALS")).toThrow(expect.objectContaining({ code: "CONFIG_INVALID" }));
  });

  test("that prints without end costs no memory and stays readable", async () => {
    const { script, texts, ended } = setUp("yes | head -c 20000000; head -c 20000000 /dev/zero");
    script.handle([anEvent()], SERVERS);
    await ended();
    const lines = texts("script_output");
    expect(lines).toHaveLength(201);
    expect(lines.at(-1)).toBe("info (9999800 more lines)");
  });
});

describe("runs", () => {
  test("are one for each change that events= asks for", async () => {
    const { script, texts, ended } = setUp('echo "$1"', "$EVENT", { events: ["new_master", "maintenance"] });
    script.handle(
      [
        anEvent({ server: "db1", event: "lost_primary", maxscaleEvent: "lost_master" }),
        anEvent({ server: "db3", event: "maintenance", maxscaleEvent: null }),
        anEvent({ server: "db2", event: "lost_replica", maxscaleEvent: null }),
        anEvent({ server: "db2", event: "new_primary", maxscaleEvent: "new_master" }),
      ],
      SERVERS,
    );
    await ended(2);
    expect(texts("script_output")).toEqual(["info maintenance", "info new_master"]);
  });

  test("wait for each other, keep what was true when they were asked for, and the oldest give way", async () => {
    const { script, texts, ended, path } = setUp(
      'mkdir lock || exit 9; while [ ! -e go ]; do sleep 0.01; done; echo "$1"; rmdir lock',
      "$NODELIST",
    );
    const at = (n: number) => [aScriptServer("db1", `10.0.0.${n}`)];
    script.handle([anEvent()], at(0));
    for (let n = 1; n <= 103; n += 1) script.handle([anEvent()], at(n));
    expect(texts("script_dropped")).toEqual(
      Array(3).fill("warn script: 1 runs dropped, the oldest at master_up of db1: 100 wait already"),
    );
    await eventually(() => existsSync(path("lock")));
    writeFileSync(path("go"), "");
    expect(new Set(await ended(101))).toEqual(
      new Set(["info script: SCRIPT at master_up of db1 ended with exit code 0"]),
    );
    expect(texts("script_output")).toEqual(
      [0, ...Array.from({ length: 100 }, (_, n) => n + 4)].map((n) => `info [10.0.0.${n}]:3306`),
    );
  });

  test("do not happen while passive, and those that wait are forgotten", async () => {
    let isPassive = true;
    const { script, texts, ended, path } = setUp("while [ ! -e go ]; do sleep 0.01; done; echo ran", "", {
      isPassive: () => isPassive,
    });
    script.handle([anEvent()], SERVERS);
    isPassive = false;
    script.handle([anEvent(), anEvent({ server: "db2" })], SERVERS);
    isPassive = true;
    writeFileSync(path("go"), "");
    await ended();
    isPassive = false;
    script.handle([anEvent()], SERVERS);
    await ended(2);
    expect(texts("script_started")).toHaveLength(2);
  });

  test("end with close, and none begins afterwards", async () => {
    const { script, texts, path } = setUp(
      "echo $$ >pid.new; mv pid.new pid; trap '' TERM; sleep 600 & sleep 600",
    );
    script.handle([anEvent(), anEvent({ server: "db2" })], SERVERS);
    const pid = await pidIn(path("pid"));
    await script.close();
    expect(texts("script_ended")).toEqual(["info script: SCRIPT at master_up of db1 was stopped"]);
    script.handle([anEvent()], SERVERS);
    expect(texts("script_started")).toHaveLength(1);
    await eventually(() => !isAlive(pid));
  });
});

describe("the deadline", () => {
  test("is SIGTERM to all of its processes, so that they may clean up", async () => {
    const { script, clock, path, texts, ended } = setUp(
      `trap 'echo cleaned >/dev/stdout; touch cleaned; exit' TERM
       sleep 600 & echo $! >child; echo $$ >pid.new; mv pid.new pid; wait`,
    );
    script.handle([anEvent()], SERVERS);
    await pidIn(path("pid"));
    const child = await pidIn(path("child"));
    clock.advance(89_999);
    expect(isAlive(child)).toBe(true);
    clock.advance(1);
    await eventually(() => existsSync(path("cleaned")) && !isAlive(child));
    await eventually(() => texts("script_output").length > 0);
    clock.advance(2000);
    expect(await ended()).toEqual([
      "warn script: SCRIPT at master_up of db1 was killed: script_timeout is 90 s",
    ]);
    expect(texts("script_output")).toEqual(["info cleaned"]);
  });

  test("is SIGKILL for those that stay, also where their parent and their output are gone", async () => {
    const { script, clock, path, ended } = setUp(
      `sh -c 'trap "" TERM; echo $$ >deaf.new; mv deaf.new deaf; while :; do sleep 0.05; done' >/dev/null 2>&1 &
       echo $$ >pid.new; mv pid.new pid; wait`,
    );
    script.handle([anEvent()], SERVERS);
    const [pid, deaf] = [await pidIn(path("pid")), await pidIn(path("deaf"))];
    clock.advance(90_000);
    await eventually(() => !isAlive(pid));
    clock.advance(1999);
    expect(isAlive(deaf)).toBe(true);
    clock.advance(1);
    await eventually(() => !isAlive(deaf));
    await ended();
  });

  test("holds for what a script leaves behind with its output open", async () => {
    const { script, clock, path, ended } = setUp("sleep 600 & echo $! >child.new; mv child.new child");
    script.handle([anEvent()], SERVERS);
    const child = await pidIn(path("child"));
    clock.advance(92_000);
    expect((await ended())[0]).toContain("was killed");
    await eventually(() => !isAlive(child));
  });

  test("lets the next run begin", async () => {
    const { script, clock, path, texts, ended } = setUp(
      "test -e go || { touch started; sleep 600; }; echo ran",
    );
    script.handle([anEvent(), anEvent({ server: "db2" })], SERVERS);
    await eventually(() => existsSync(path("started")));
    writeFileSync(path("go"), "");
    clock.advance(92_000);
    await ended(2);
    expect(texts("script_output")).toEqual(["info ran"]);
  });
});

test("scripts die with us, and all that they started, also by kill -9", async () => {
  // Two at once: neither may hold the pipe that tells the other of our end.
  const scripts = [1, 2].map(() => {
    const folder = folders.make();
    const path = (name: string) => join(folder, name);
    const record = (name: string) => `echo $$ >${path(name)}.new; mv ${path(name)}.new ${path(name)}`;
    const child = `sh -c 'trap "" TERM; ${record("child")}; sleep 600; :' >/dev/null 2>&1 &`;
    writeFileSync(path("script"), `#!/bin/sh\n${child}\n${record("pid")}\nwait\n`, { mode: 0o755 });
    return path;
  });
  const runner = join(import.meta.dir, "../../test/support/script-runner.ts");
  const files = scripts.map((path) => path("script"));
  const us = spawn(process.execPath, ["run", runner, ...files], { stdio: "ignore" });
  const pids = await Promise.all(scripts.flatMap((path) => [pidIn(path("pid")), pidIn(path("child"))]));
  expect(pids.every(isAlive)).toBe(true);
  us.kill("SIGKILL");
  await eventually(() => !pids.some(isAlive), { what: "the end of them all" });
});
