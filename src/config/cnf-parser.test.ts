import { describe, expect, test } from "bun:test";
import { parseCnf } from "./cnf-parser.ts";
import { printSection } from "./cnf-writer.ts";

/** The parameters of one text under `[s]`, in short. */
function parameters(text: string): Record<string, string> {
  const { sections, problems } = parseCnf("f", `[s]\n${text}`);
  expect(problems).toEqual([]);
  return Object.fromEntries((sections[0]?.parameters ?? []).map(({ name, value }) => [name, value]));
}

describe("values", () => {
  test.each([
    ["a = b", "b"],
    ["a=b c", "b c"],
    ["a = b   # words", "b"],
    ["a = b\t; words", "b"],
    ["a = b#c;d", "b#c;d"],
    ["a=#b", "#b"],
    ["a = # b", ""],
    ['a = "b # c"', "b # c"],
    ["a = 'b ; c' # words", "b ; c"],
    ['a = "b ""c"" d"', 'b "c" d'],
    ['a = b "c"', 'b "c"'],
    ['a = ""', ""],
    ["a = x=y=z", "x=y=z"],
    ["a = b\u00a0", "b\u00a0"],
    ["a = b\r", "b"],
  ])("%j is %j", (text, value) => {
    expect(parameters(text)).toEqual({ a: value });
  });

  test("dashes in names are underscores", () => {
    expect(parameters("admin-port = 1")).toEqual({ admin_port: "1" });
  });
});

describe("continuation lines", () => {
  test("after a comma, as MaxScale's own example has it", () => {
    expect(parameters("servers=db1,\n        db2,\n\tdb3\nport=1")).toEqual({
      servers: "db1,db2,db3",
      port: "1",
    });
  });

  test("without a comma, and with comments between", () => {
    expect(parameters("servers=db1\n  # the second\n  db2 # words\n\n  , db3")).toEqual({
      servers: "db1,db2, db3",
    });
  });

  test("of a value that begins on the second line", () => {
    expect(parameters("servers=\n  db1,\n  db2")).toEqual({ servers: "db1,db2" });
  });

  test("an indented parameter is a parameter, not the end of the one above", () => {
    expect(parameters("  type = server\n  port = 3306")).toEqual({ type: "server", port: "3306" });
  });
});

test("sections: blanks in names, indented headers, comments, a byte order mark, places", () => {
  const text = "\ufeff# top\n[CLI Listener] # words\n a=1\n  [two]\nb=2\n";
  const { sections, problems } = parseCnf("f", text);
  expect(problems).toEqual([]);
  expect(sections).toEqual([
    {
      name: "CLI Listener",
      at: { file: "f", line: 2 },
      parameters: [{ name: "a", value: "1", at: { file: "f", line: 3 }, quoted: false }],
    },
    {
      name: "two",
      at: { file: "f", line: 4 },
      parameters: [{ name: "b", value: "2", at: { file: "f", line: 5 }, quoted: false }],
    },
  ]);
});

test("an enormous line is a problem, not a parameter", () => {
  const { sections, problems } = parseCnf("f", `[s]\na=${"x".repeat(70_000)}\n`);
  expect(sections[0]?.parameters).toEqual([]);
  expect(problems.map(({ wrong }) => wrong)).toEqual(["the line has 70002 characters"]);
});

test("a printed section reads back", () => {
  const values = ["a", "", " b ", "# c", "d # e", '"f"', 'g"h', "i,", "$J", "[k]", "x;y", "l ;m", "'n'"];
  const given = values.map((value, index) => ({ name: `p${index}`, value, at: undefined, quoted: true }));
  const { sections, problems } = parseCnf("f", printSection({ name: "a b", parameters: given }));
  expect(problems).toEqual([]);
  expect(sections[0]?.name).toBe("a b");
  expect(sections[0]?.parameters.map(({ value }) => value)).toEqual(values);
});
