import { describe, expect, test } from "bun:test";
import { backgroundArguments, parseGateArguments, passwordPlace } from "./options.ts";

describe("the command line of the script", () => {
  test("defaults", () => {
    expect(parseGateArguments(["-t"])).toMatchObject({
      mode: "test",
      user: "mysqlchk_user",
      password: "mysqlchk_password",
      logFile: "/var/log/mysqlchk_iptables",
      sources: undefined,
      mirrorPort: 3308,
      realPort: 3306,
      intervalMs: 1000,
    });
  });

  test("short and long forms mean the same", () => {
    const short = "-d -u me -p word -l /l -e /e -a 10.0.0.1,10.1.0.0/16 -a6 fd00::/8 -m 1 -r 2 -i 3 -D".split(
      " ",
    );
    const long =
      "--daemon --username=me --password word --log-file=/l --defaults-extra-file /e --source-address=10.0.0.1,10.1.0.0/16 --source-address-ipv6=fd00::/8 --mirror-port=1 --real-port=2 --check-interval=3 --debug".split(
        " ",
      );
    expect(parseGateArguments(long)).toEqual(parseGateArguments(short));
    expect(parseGateArguments(short)).toMatchObject({
      user: "me",
      sources: ["10.0.0.1", "10.1.0.0/16", "fd00::/8"],
      intervalMs: 3000,
      isDebug: true,
    });
  });

  test("empty user and password, and a password that looks like an option", () => {
    expect(parseGateArguments(["-R", "-u", "", "-p", ""])).toMatchObject({ user: "", password: "" });
    expect(parseGateArguments(["-R", "-p", "-d"])).toMatchObject({ mode: "run", password: "-d" });
  });

  test("-a alone leaves no IPv6 client in", () => {
    expect(parseGateArguments(["-t", "-a", "10.0.0.0/8"]).sources).toEqual(["10.0.0.0/8"]);
    expect(parseGateArguments(["-t", "-a6", "fd00::/8"]).sources).toEqual(["0.0.0.0/0", "fd00::/8"]);
  });

  test.each([
    [[], "none is given"],
    [["-d", "-x"], "--daemon and --stop are given"],
    [["-t", "-a", "10.0.0.0/33"], "--source-address 10.0.0.0/33 is "],
    [["-t", "-z"], "is not an option"],
  ])("%p is refused", (args, words) => {
    expect(() => parseGateArguments(args)).toThrow(words);
  });
});

test("where the password stands, from the end", () => {
  expect(passwordPlace(["-d", "-p", "word", "-u", "me"])).toBe(3);
  expect(passwordPlace(["-d", "--password=word"])).toBe(1);
  expect(passwordPlace(["-d", "--password", "word"])).toBe(1);
  expect(passwordPlace(["-d", "-p"])).toBeUndefined();
  expect(passwordPlace(["-d"])).toBeUndefined();
});

test("in the background the password is empty", () => {
  const background = backgroundArguments(["-d", "-p", "word", "-m", "3318", "--password=word"]);
  expect(background).toEqual(["--run", "--password=", "--mirror-port", "3318"]);
  expect(parseGateArguments(background)).toMatchObject({ mode: "run", password: "", mirrorPort: 3318 });
});
