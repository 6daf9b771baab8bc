import { describe, expect, test } from "bun:test";
import { execFileSync } from "node:child_process";
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { REAL_FILES } from "../../src/config/file-access.ts";
import { readMyCnf } from "../../src/config/my-cnf.ts";

/** Every oddity of the format. */
const ODD_LINES = [
  "[mysqld]",
  "user=server",
  "[client] # words after the group",
  'user = "a b" # c',
  "password=p#q",
  "port = 3306 # comment",
  String.raw`host = a\sb\tc\\d\"e\q`,
  "ssl",
  "loose-foo=1",
  "loose_bar",
  "ssl_ca=/x",
  "empty=",
  'quoted="x # y"',
  "sq='it''s'",
  "   indented = yes   ",
  'mixed=ab"c',
  ";c",
  "#c",
  "space key = 1",
  String.raw`password="a\"b"`,
  'x="abc" # tr',
  "y=abc # tr # z",
  String.raw`z=a\#b # c`,
  'w="unterminated',
  'v="a"b"',
  `k='a' b' # x`,
  'q="',
  'q2=""',
  "c=a;b",
  'two = "a" "b"',
  String.raw` e = \r\0x\# y`,
  "foo:1",
  "!unknown directive",
  "tab\t=\tvalue\t",
  String.raw`tail=back\\`,
  String.raw`tail2=back\ `,
  "[ client ]",
  "spaced=group",
  "[client ]",
  "trailing=blank",
  "[mysql]x",
  "bare",
  "",
].join("\n");

describe("the reader of option files against my_print_defaults", () => {
  const groups = ["client", "mysql"];

  function withFolder(run: (folder: string) => void): void {
    const folder = mkdtempSync(join(tmpdir(), "sluice-my-cnf-"));
    try {
      run(folder);
    } finally {
      rmSync(folder, { recursive: true });
    }
  }

  function real(file: string): string {
    return execFileSync("my_print_defaults", [`--defaults-file=${file}`, ...groups], {
      encoding: "utf8",
      stdio: ["ignore", "pipe", "ignore"],
    });
  }

  function ours(file: string): string {
    const { options } = readMyCnf({ groups, onlyFile: file }, REAL_FILES);
    return options
      .map(({ name, value }) => (value === undefined ? `--${name}\n` : `--${name}=${value}\n`))
      .join("");
  }

  test("every odd line", () => {
    withFolder((folder) => {
      const file = join(folder, "odd.cnf");
      writeFileSync(file, ODD_LINES);
      expect(ours(file)).toBe(real(file));
    });
  });

  test("includes, directories and world-writable files", () => {
    withFolder((folder) => {
      const write = (name: string, text: string, mode = 0o644) => {
        writeFileSync(join(folder, name), text);
        chmodSync(join(folder, name), mode);
      };
      mkdirSync(join(folder, "d/sub.cnf"), { recursive: true });
      for (const name of ["z.cnf", "a.cnf", "B.cnf", "x.txt", ".h.cnf", "ten.cnf.bak"]) {
        write(`d/${name}`, `[client]\nfrom=${name}\n`);
      }
      write("d/open.cnf", "[client]\nfrom=open\n", 0o666);
      write("one.cnf", "[mysql]\none\n[elsewhere]\n");
      write(
        "main.cnf",
        [
          "[client]",
          "first",
          `!include ${folder}/one.cnf`,
          "still=client",
          `!include ${folder}/missing.cnf`,
          `!includedir ${folder}/d/`,
          "last",
        ].join("\n"),
      );
      expect(ours(`${folder}/main.cnf`)).toBe(real(`${folder}/main.cnf`));
      expect(ours(`${folder}/main.cnf`)).toContain("--from=z.cnf");
    });
  });
});
