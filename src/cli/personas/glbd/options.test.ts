import { describe, expect, test } from "bun:test";
import { withEnvironment } from "./environment.ts";
import { type GlbdArguments, longForms, parseGlbdArguments } from "./options.ts";
import { startMessage } from "./start-message.ts";

const words = (line: string): readonly string[] => line.split(" ").filter((word) => word !== "");

describe("GLB's command line", () => {
  test("the init script's", () => {
    const line = "--daemon --control 127.0.0.1:8011 --threads 2 8010 djdb2:8000:0.75 djdb3 divjobs4:8000:1";
    expect(parseGlbdArguments(words(line))).toMatchObject({
      listen: { host: "::", port: 8010 },
      destinations: [
        { host: "djdb2", port: 8000, weight: 0.75 },
        { host: "djdb3", port: 8010, weight: 1 },
        { host: "divjobs4", port: 8000, weight: 1 },
      ],
      balance: "least-connections",
      values: { daemon: true, control: { host: "127.0.0.1", port: 8011 }, threads: 2 },
    });
  });

  test.each([
    ["-dvt2 -c8011 3306", "--daemon --verbose --threads 2 --control 8011 3306"],
    ["-t 2 3306 a -S", "--threads 2 3306 a --single"],
    [
      "--thr 2 --connections=5 --rrb --source_tracking 3306",
      "--threads 2 --max_conn=5 --round --source 3306",
    ],
    ["--fifo=/run/x 3306 -- -a", "--fifo=/run/x 3306 -- -a"],
    ["-r", "--random"],
  ])("%s", (line, long) => {
    expect(longForms(words(line))).toEqual(words(long));
  });

  test("a watchdog with blanks", () => {
    const parsed = parseGlbdArguments(["-w", "exec:mysql.sh -utest -ptest", "-D", "3306", "a"]);
    expect(parsed).toMatchObject({ watchdog: "mysql.sh -utest -ptest", values: { discover: true } });
  });

  test.each([
    ["", "LISTEN is missing"],
    ["-q 3306", "-q is not an option"],
    ["--threads", "needs a value"],
    ["x", "LISTEN x is"],
    ["3306 a:b", "a:b is no server"],
    ["3306 a:1:-1", "a:1:-1 is no server"],
    ["-w dummy 3306", "--watchdog dummy is not known"],
    ["-i 0 3306", "--interval 0 is out of range"],
    ["--r 3306", "is not an option"],
  ])("%p is refused: %s", (line, sentence) => {
    expect(() => parseGlbdArguments(words(line))).toThrow(sentence);
  });

  test("-V alone asks for the version only; the last policy counts; idle flags are told", () => {
    expect(parseGlbdArguments(["-V"])).toBeUndefined();
    expect(parseGlbdArguments(words("-b -r 3306"))?.balance).toBe("random");
    expect(parseGlbdArguments(words("-r -b 3306"))?.balance).toBe("round-robin");
    expect(parseGlbdArguments(words("-nKa -x 1 3306"))?.idle).toEqual([
      "--nodelay",
      "--keepalive",
      "--defer-accept",
      "--extra",
    ]);
  });
});

describe("GLB's variables", () => {
  const env = {
    GLB_OPTIONS: "-r -i 2 3306 10.0.0.1",
    GLB_CONTROL: "8011",
    GLB_TARGETS: "10.0.0.2,10.0.0.3:3307:2",
    GLB_WATCHDOG: "exec:mysql.sh -ptest",
  };

  test("stand where the command line has nothing", () => {
    const parsed = parseGlbdArguments(withEnvironment([], env));
    expect(parsed).toMatchObject({ listen: { port: 3306 }, balance: "random", watchdog: "mysql.sh -ptest" });
    expect(parsed?.destinations.map(({ host }) => host)).toEqual(["10.0.0.2", "10.0.0.3"]);
    expect(parsed?.values).toMatchObject({ interval: 2, control: { host: "127.0.0.1", port: 8011 } });
  });

  test("give way to the command line", () => {
    const parsed = parseGlbdArguments(withEnvironment(words("-b -c 9000 -i 3 4000 db1"), env));
    expect(parsed).toMatchObject({ listen: { port: 4000 }, balance: "round-robin" });
    expect(parsed?.destinations.map(({ host }) => host)).toEqual(["db1"]);
    expect(parsed?.values).toMatchObject({ interval: 3, control: { port: 9000 } });
  });

  test("without any, nothing changes", () => {
    expect(withEnvironment(words("-t 2 3306 a"), {})).toEqual(["--threads=2", "3306", "a"]);
  });
});

test("it says what it has understood, as GLB does", () => {
  const parsed = parseGlbdArguments(words("-d -S -t 2 -c 8011 3306 10.0.0.1 db2:3307:0.5")) as GlbdArguments;
  expect(startMessage(parsed, 493)).toBe(`Incoming address: [::]:3306, control FIFO: /tmp/glbd.fifo
Control  address:  127.0.0.1:8011
Number of threads: 2, max conn: 986, nodelay: ON, keepalive: ON, defer accept: OFF, linger: OFF, daemon: YES, lat.count: 0, policy: 'single', top: YES, verbose: NO
Destinations: 2
   0: 10.0.0.1:3306, w: 1.000
   1: db2:3307, w: 0.500
`);
});
