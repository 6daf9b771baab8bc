import { describe, expect, test } from "bun:test";
import { memoryFiles } from "../../test/support/memory-files.ts";
import { SluiceError } from "../errors/sluice-error.ts";
import { clientOptions } from "./client-options.ts";
import type { FileAccess } from "./file-access.ts";
import { CLIENT_GROUPS, readMyCnf } from "./my-cnf.ts";

/** What the reader makes of one text, in the form of my_print_defaults. */
function printed(text: string, groups: readonly string[] = ["client"]): string[] {
  const files = memoryFiles({ "/my.cnf": text });
  return lines(readMyCnf({ groups, onlyFile: "/my.cnf" }, files).options);
}

function lines(options: readonly { name: string; value: string | undefined }[]): string[] {
  return options.map(({ name, value }) => (value === undefined ? `--${name}` : `--${name}=${value}`));
}

function failure(run: () => unknown): string {
  try {
    run();
  } catch (error) {
    if (error instanceof SluiceError && error.code === "CONFIG_INVALID") return error.message;
    throw error;
  }
  throw new Error("nothing was thrown");
}

describe("one file", () => {
  test("quotes, escapes, comments and blanks", () => {
    const text = String.raw`[client] # words
user = "a b" # c
password=p#q
host = a\sb\tc\\d\"e\q
quoted="x # y"
ssl`;
    expect(printed(text)).toEqual([
      "--user=a b",
      "--password=p",
      '--host=a b\tc\\d"e\\q',
      "--quoted=x # y",
      "--ssl",
    ]);
  });

  test("only the groups asked for, in the order of the file", () => {
    const text = "[client]\na=1\n[other]\nb=2\n[client-server]\nc=3\n[client]\nd=4\n";
    expect(printed(text, CLIENT_GROUPS)).toEqual(["--a=1", "--c=3", "--d=4"]);
  });

  test("a no-break space belongs to the value", () => {
    expect(printed("[client]\npassword=x\u00a0\n")).toEqual(["--password=x\u00a0"]);
  });

  test.each([
    ["a=1\n", "/my.cnf:1: an option stands before the first [group]; write a line such as [client] above it"],
    ["\n[client\n", "/my.cnf:2: the group [client has no closing bracket"],
    ["!includedir\n", "/my.cnf:1: !includedir needs a path after a space: !includedir /etc/mysql/conf.d"],
    ["!includedir /none\n", "/my.cnf:1: !includedir /none: there is no such directory"],
    ["!include /my.cnf\n", "/my.cnf:1: !include /my.cnf: it includes itself (/my.cnf)"],
  ])("%j is refused", (text, message) => {
    expect(failure(() => printed(text))).toBe(message);
  });
});

describe("several files", () => {
  const groups = ["client"];

  test("the standard order, with the extra file before the one in the home directory", () => {
    const files = memoryFiles({
      "/etc/my.cnf": "[client]\nn=1",
      "/etc/mysql/my.cnf": "[client]\nn=2",
      "/extra": "[client]\nn=3",
      "/home/x/.my.cnf": "[client]\nn=4",
    });
    const { options } = readMyCnf({ groups, extraFile: "/extra", home: "/home/x" }, files);
    expect(lines(options)).toEqual(["--n=1", "--n=2", "--n=3", "--n=4"]);
  });

  test("a missing extra file is an error, missing standard files are not", () => {
    expect(readMyCnf({ groups, home: "/home/x" }, memoryFiles({})).options).toEqual([]);
    expect(failure(() => readMyCnf({ groups, extraFile: "/none" }, memoryFiles({})))).toBe(
      "the defaults file /none does not exist",
    );
  });

  test("a world-writable file is passed over with a warning", () => {
    const files = memoryFiles({ "/my.cnf": ["[client]\nuser=evil", 0o666] });
    expect(readMyCnf({ groups, onlyFile: "/my.cnf" }, files)).toEqual({
      options: [],
      warnings: ["/my.cnf is ignored: every user may write it; chmod o-w /my.cnf"],
    });
  });

  test("includes nest ten deep and no deeper", () => {
    const chain = (depth: number) =>
      memoryFiles(
        Object.fromEntries(
          Array.from({ length: depth }, (_, i) => [
            `/f${i}`,
            i + 1 < depth ? `!include /f${i + 1}` : "[client]\nend",
          ]),
        ),
      );
    expect(lines(readMyCnf({ groups, onlyFile: "/f0" }, chain(11)).options)).toEqual(["--end"]);
    expect(failure(() => readMyCnf({ groups, onlyFile: "/f0" }, chain(12)))).toContain(
      "more than 10 files deep",
    );
  });

  test("a tree of directories that include each other ends", () => {
    const texts = Object.fromEntries(Array.from({ length: 12 }, (_, i) => [`/d/${i}.cnf`, "!includedir /e"]));
    const loop = memoryFiles({ ...texts, "/e/x.cnf": "!includedir /d", "/my.cnf": "!includedir /d" });
    expect(failure(() => readMyCnf({ groups, onlyFile: "/my.cnf" }, loop))).toContain("includes itself");
  });
});

test("a standard file that may not be read is passed over, one that was named is not", () => {
  const files: FileAccess = {
    ...memoryFiles({ "/etc/my.cnf": "[client]\nuser=u" }),
    read(path) {
      if (path === "/root/.my.cnf") throw new SluiceError("IO_FAILED", "cannot read it: EACCES");
      return memoryFiles({ "/etc/my.cnf": "[client]\nuser=u" }).read(path);
    },
  };
  const { options, warnings } = readMyCnf({ groups: ["client"], home: "/root" }, files);
  expect(lines(options)).toEqual(["--user=u"]);
  expect(warnings).toEqual(["/root/.my.cnf is ignored: cannot read it: EACCES"]);
  expect(() => readMyCnf({ groups: ["client"], onlyFile: "/root/.my.cnf" }, files)).toThrow("EACCES");
});

describe("client options", () => {
  function options(text: string) {
    const files = memoryFiles({ "/my.cnf": `[client]\n${text}` });
    return clientOptions(readMyCnf({ groups: ["client"], onlyFile: "/my.cnf" }, files).options);
  }

  test("the last one wins, and what belongs to other programs is passed over", () => {
    const found = options("user=a\nuser=b\npassword=s3cret\nhost=h\nport=3307\nprompt=x\nconnect-timeout=5");
    expect(found).toMatchObject({ user: "b", host: "h", port: 3307, connectTimeoutMs: 5000, tls: undefined });
    expect(found.password?.reveal()).toBe("s3cret");
    expect(JSON.stringify(found)).not.toContain("s3cret");
  });

  test("the [client] of the source text: a bare ssl and three files", () => {
    const found = options("ssl\nssl-ca=/c/ca.pem\nssl_cert=/c/cert.pem\nloose-ssl-key=/c/key.pem");
    expect(found.tls).toEqual({
      ca: "/c/ca.pem",
      cert: "/c/cert.pem",
      key: "/c/key.pem",
      cipher: undefined,
      verifyCertificate: false,
      verifyHost: false,
      versions: [],
    });
  });

  test.each([
    ["ssl=0\nssl-ca=/x", false],
    ["ssl-ca=/x\nskip-ssl", false],
    ["skip-ssl\nssl", true],
    ["ssl-ca=/x", true],
    ["ssl-verify-server-cert", true],
    ["disable-ssl-verify-server-cert", false],
    ["ssl-mode=VERIFY_CA\nssl-ca=/x", true],
    ["ssl-mode=disabled\nssl-ca=/x", false],
    ["ssl-mode=PREFERRED", false],
  ])("%j asks for TLS: %p", (text, expected) => {
    expect(options(text).tls !== undefined).toBe(expected);
  });

  test("tls-version and verification", () => {
    const found = options("ssl-verify-server-cert=1\ntls-version=TLSv1.2, TLSv1.3\nssl-cipher=X");
    expect(found.tls).toMatchObject({
      verifyCertificate: true,
      verifyHost: true,
      versions: ["TLSv1.2", "TLSv1.3"],
      cipher: "X",
    });
  });

  test.each([
    ["port=33o6", "/my.cnf:2: port=33o6 is not possible; expected a whole number from 0 to 65535"],
    ["port=70000", "/my.cnf:2: port=70000 is not possible; expected a whole number from 0 to 65535"],
    ["ssl=maybe", "/my.cnf:2: ssl=maybe is not possible; expected 0, 1, on, off, true or false"],
    ["protocol=pipe", "/my.cnf:2: protocol=pipe is not possible; expected tcp or socket"],
  ])("%s is refused", (text, message) => {
    expect(failure(() => options(text))).toBe(message);
  });

  test("a bare password asks at a terminal, of which there is none; an empty one is empty", () => {
    expect(options("password").password).toBeUndefined();
    expect(options("password=").password?.reveal()).toBe("");
  });
});
