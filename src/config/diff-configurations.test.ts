import { describe, expect, test } from "bun:test";
import { memoryFiles } from "../../test/support/memory-files.ts";
import type { Configuration } from "./configuration.ts";
import { diffConfigurations, formatChange } from "./diff-configurations.ts";
import { effectiveParameters } from "./effective-parameters.ts";
import { loadConfiguration } from "./load-configuration.ts";
import { formatProblem } from "./problem.ts";

function load(text: string): Configuration {
  const result = loadConfiguration("x.cnf", memoryFiles({ "x.cnf": text }), { PW: "from outside" });
  if (!result.ok) throw new Error(result.problems.map(formatProblem).join("\n"));
  return result.configuration;
}

const BASE = `[sluice]
threads = 2
[db1]
type = server
address = 10.0.0.1
[db2]
type = server
address = 10.0.0.2
[m]
type = monitor
module = auto
servers = db1, db2
password = old
`;

function changes(edit: (text: string) => string): readonly string[] {
  return diffConfigurations(load(BASE), load(edit(BASE))).map(formatChange);
}

describe("differences", () => {
  test("comments, order and other spellings of the same value are none", () => {
    expect(changes((text) => `# words\n${text.replace("threads = 2", "threads=02\npassive=off")}`)).toEqual(
      [],
    );
  });

  test("objects that came, went and changed", () => {
    const edit = (text: string) =>
      text
        .replace("[db2]", "[db3]")
        .replace("db1, db2", "db1, db3\nrise = 3\nmonitor_interval = 500ms")
        .replace("threads = 2", "threads = auto");
    expect(changes(edit)).toEqual([
      "- server db2",
      "~ sluice: threads 2 -> auto (at the next start)",
      "+ server db3",
      "~ monitor m: servers db1,db2 -> db1,db3, rise 1 -> 3, monitor_interval 1s -> 500ms",
    ]);
  });

  test("a changed password is a difference that does not show it", () => {
    expect(changes((text) => text.replace("= old", "= new"))).toEqual(["~ monitor m: password *** -> ***"]);
    expect(changes((text) => text.replace("password = old\n", ""))).toEqual([
      "~ monitor m: password *** -> unset",
    ]);
  });

  test("another module is another object", () => {
    expect(changes((text) => text.replace("= auto", "= galeramon"))).toEqual(["- monitor m", "+ monitor m"]);
  });
});

test("effective parameters say where each value is from", () => {
  const text = `[db1]\ntype=server\naddress=10.0.0.1\nmonitorpw=$PW\n[maxscale]\nsubstitute_variables=1\n`;
  const db1 = load(text).servers.get("db1");
  if (db1 === undefined) throw new Error("no db1");
  const found = new Map(
    effectiveParameters(db1).map(({ name, value, from }) => [name, `${value} (${from})`]),
  );
  expect(found.get("address")).toBe("10.0.0.1 (x.cnf:3)");
  expect(found.get("port")).toBe("3306 (default)");
  expect(found.get("monitorpw")).toBe("*** ($PW at x.cnf:4)");
  expect(found.get("socket")).toBe("undefined (default)");
});
