import { expect, test } from "bun:test";
import { action, one } from "./action.ts";
import { canonicalArguments } from "./canonical-arguments.ts";

const CREATE = action(
  {
    words: "create server",
    summary: "",
    operands: [one("NAME")],
    options: {},
    lists: { monitors: "monitors", services: "services" },
    parameters: "server",
    examples: [],
  },
  async () => {},
);
const isParameter = (name: string): boolean => ["port", "extra_port", "address"].includes(name);
const canonical = (line: string): string =>
  canonicalArguments(CREATE, line === "" ? [] : line.split(" "), isParameter).join(" ");

test.each([
  ["", ""],
  ["db1 port=3306", "db1 port=3306"],
  ["-h a:8989 db1", "--hosts a:8989 db1"],
  ["-h=a:8989 db1", "--hosts=a:8989 db1"],
  ["-u admin -q db1", "--user admin --quiet db1"],
  ["db1 --port 3306", "db1 port=3306"],
  ["db1 --extra-port=3307", "db1 extra_port=3307"],
  ["db1 --monitors a b --services s", "--monitors=a,b --services=s db1"],
  ["db1 --monitors a --monitors b,c", "--monitors=a,b,c db1"],
  ["--monitors a b port=1 db1", "--monitors=a,b port=1 db1"],
  ["db1 -- -h a", "db1 -- -h a"],
])("%s", (given, expected) => {
  expect(canonical(given)).toBe(expected);
});

test.each([["-p", "-psecret", "--password=secret", "--password"]].flat())(
  "%s: a password is no argument, and the answer does not repeat it",
  (flag) => {
    expect(() => canonical(`db1 ${flag}`)).toThrow("--password-file");
    expect(() => canonical(`db1 ${flag}`)).not.toThrow("secret");
  },
);

test.each([
  ["db1 -x", "-x is no option"],
  ["db1 --monitors", "--monitors needs names"],
  ["db1 --port", "--port needs a value"],
])("%s: %s", (given, expected) => {
  expect(() => canonical(given)).toThrow(expected);
});
