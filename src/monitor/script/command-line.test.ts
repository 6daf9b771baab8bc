import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { parseCommandLine, type ScriptVariables, substitute, VARIABLE_NAMES } from "./command-line.ts";

describe("parseCommandLine", () => {
  test.each([
    ["/x", ["/x"]],
    ["  /x \t a\nb  ", ["/x", "a", "b"]],
    [`/x 'a b' "c d" e\\ f`, ["/x", "a b", "c d", "e f"]],
    [`/x --a='b c'"d e"f`, ["/x", "--a=b cd ef"]],
    [`/x '' ""`, ["/x", "", ""]],
    [`/x '"' "'" \\' \\\\`, ["/x", '"', "'", "'", "\\"]],
    [`/x "a\\"b\\\\c\\d" '\\'`, ["/x", 'a"b\\c\\d', "\\"]],
    [
      "/x ; rm -rf * | `y` $(z) $HOME > f &",
      ["/x", ";", "rm", "-rf", "*", "|", "`y`", "$(z)", "$HOME", ">", "f", "&"],
    ],
  ])("%j", (text, words) => {
    expect(parseCommandLine(text)).toEqual(words);
  });

  test.each([
    ["", "script: there is no command; leave script out"],
    ["  ", "script: there is no command; leave script out"],
    ["'' a", "script: there is no command; leave script out"],
    ["/x 'a b", "script: the command line has no closing ': 'a b"],
    [`/x "a\\" b`, `script: the command line has no closing ": "a\\" b`],
    ["/x a\\", "script: the command line ends with a lone backslash: \\"],
    [
      "/x --login=$CREDENTIALS",
      "script: $CREDENTIALS is not given, because every user of the host can read the arguments of a process; " +
        "let the script read an account of its own from a file of mode 0600 (--defaults-extra-file)",
    ],
  ])("refuses %p", (text, message) => {
    expect(() => parseCommandLine(text)).toThrow(
      expect.objectContaining({ code: "CONFIG_INVALID", message }),
    );
  });

  test("gives back any words that were quoted", () => {
    const quote = (word: string): string => `'${word.replaceAll("'", `'"'"'`)}'`;
    const words = fc.array(fc.string({ unit: "binary" }), { minLength: 1 });
    fc.assert(
      fc.property(words, (list) => {
        fc.pre(list[0] !== "" && !list.join(" ").includes("$CREDENTIALS"));
        expect(parseCommandLine(list.map(quote).join(" "))).toEqual(list);
      }),
    );
  });
});

describe("substitute", () => {
  const named = Object.fromEntries(VARIABLE_NAMES.map((name) => [name, `<${name}>`])) as ScriptVariables;

  test("puts each value in, wherever it is in a word", () => {
    const words = VARIABLE_NAMES.map((name) => `--${name}=$${name},$EVENT_x`);
    expect(substitute(words, named)).toEqual(VARIABLE_NAMES.map((name) => `--${name}=<${name}>,<EVENT>_x`));
  });

  test("leaves alone what is no placeholder", () => {
    const words = ["$HOME", "$EVENTS", "$event", "EVENT", "$", "$LISTEN", "$EVENT1"];
    expect(substitute(words, named)).toEqual(words);
  });

  test("makes no new words and no new placeholders of a value", () => {
    const odd: ScriptVariables = { ...named, INITIATOR: "a b 'c $EVENT $& $1", CHILDREN: "" };
    expect(substitute(["$INITIATOR", "$CHILDREN"], odd)).toEqual([odd.INITIATOR, ""]);
  });
});
