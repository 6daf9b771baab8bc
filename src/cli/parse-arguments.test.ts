import { describe, expect, test } from "bun:test";
import { duration } from "../config/values/duration.ts";
import { port } from "../config/values/number.ts";
import { text } from "../config/values/text.ts";
import { SluiceError } from "../errors/sluice-error.ts";
import { type CommandSpec, option, toggle } from "./command.ts";
import { formOf, parseArguments } from "./parse-arguments.ts";

const options = {
  host: option("host", text("a host"), ""),
  port: option("port", port(), ""),
  timeout: option("duration", duration(), ""),
  quiet: toggle(""),
} as const;
const spec: CommandSpec<typeof options> = {
  name: "try",
  summary: "",
  operands: "[USER [PASSWORD]]",
  maxOperands: 2,
  options,
  examples: [],
  exitCodes: [],
};

function mistake(...args: string[]): string {
  try {
    parseArguments(spec, args);
  } catch (error) {
    if (error instanceof SluiceError && error.code === "USAGE") return error.message;
    throw error;
  }
  throw new Error("nothing was thrown");
}

describe("parseArguments", () => {
  test.each([
    [[], {}, []],
    [["--host", "db1", "--port=3307"], { host: "db1", port: 3307 }, []],
    [["--host="], { host: "" }, []],
    [["--host", "--port"], { host: "--port" }, []],
    [["--timeout", "900ms", "--quiet"], { timeout: 900, quiet: true }, []],
    [["--timeout", "2"], { timeout: 2000 }, []],
    [["--port", "1", "--port", "2"], { port: 2 }, []],
    [["a", "--quiet", "b"], { quiet: true }, ["a", "b"]],
    [["--", "--quiet", "-"], {}, ["--quiet", "-"]],
    [["-", ""], {}, ["-", ""]],
  ])("%j", (args, values, operands) => {
    const parsed = parseArguments(spec, args);
    expect(parsed.values as object).toEqual(values);
    expect(parsed.operands).toEqual(operands);
  });

  test("operands may end the options: a password may look like one", () => {
    const parsed = parseArguments(spec, ["--quiet", "user", "--host"], true);
    expect(parsed).toEqual({
      values: { quiet: true },
      operands: ["user", "--host"],
    } as unknown as typeof parsed);
  });

  test.each([
    [["--hots", "x"], "--hots is not an option of try: did you mean --host?"],
    [["--hep"], "--hep is not an option of try: did you mean --help?"],
    [["--hasOwnProperty"], "--hasOwnProperty is not an option of try: sluice help try shows them"],
    [["-q"], "-q is not an option of try: sluice help try shows them"],
    [["-host"], "-host is not an option of try: did you mean --host?"],
    [["--host"], "--host needs a value: --host <host>, a host"],
    [["--quiet=yes"], "--quiet takes no value"],
    [["--port", "70000"], "--port 70000 is out of range; expected a port from 1 to 65535"],
    [["--port="], '--port "" is not a whole number; expected a port from 1 to 65535'],
    [
      ["--timeout", "soon\n"],
      "--timeout soon\\n is not a duration; expected a duration, such as 500ms, 1s, 2min or 1h",
    ],
    [["a", "b", "c"], "c is one argument too many; the form is: sluice try [options] [USER [PASSWORD]]"],
  ])("%j is refused", (args, message) => {
    expect(mistake(...args)).toBe(message);
  });
});

test("the form of a command without options or operands is its name", () => {
  expect(formOf({ ...spec, options: {}, operands: "" })).toBe("sluice try");
});
