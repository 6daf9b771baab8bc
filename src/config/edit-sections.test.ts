import { expect, test } from "bun:test";
import { memoryFiles } from "../../test/support/memory-files.ts";
import { printSection } from "./cnf-writer.ts";
import { compileConfiguration } from "./compile-configuration.ts";
import type { Configuration } from "./configuration.ts";
import { diffConfigurations, formatChange } from "./diff-configurations.ts";
import { type Edit, editSections } from "./edit-sections.ts";
import { readSources } from "./load-configuration.ts";
import { formatProblem } from "./problem.ts";

const FILE = `[maxscale]
passive = true
persistdir = /p
substitute_variables = true
[db1]
type = server
address = 10.0.0.1
monitorpw = $PW
[db2]
type = server
address = 10.0.0.2
[m]
type = monitor
module = mysqlmon
servers = db1, db2
passwd = old
`;
const ENV = { PW: "from outside" };

/** Applies edits as the daemon would, in turn, and returns what changed, and the persisted files. */
function edited(...turns: readonly (readonly Edit[])[]) {
  let files: Record<string, string> = {};
  let lines: readonly string[] = [];
  for (const edits of turns) {
    const { sections } = readSources("/x.cnf", memoryFiles({ "/x.cnf": FILE, ...files }), ENV);
    const before = valid(compileConfiguration(sections, ENV));
    const after = editSections(sections, before, edits);
    const direct = valid(compileConfiguration(after.sections, ENV));
    lines = diffConfigurations(before, direct).map(formatChange);
    files = { ...files };
    for (const change of after.kept) {
      if (change.keep === "section") files[`/p/${change.section.name}.cnf`] = printSection(change.section);
      else if (change.keep === "deletion")
        files[`/p/${change.name}.cnf`] = `[${change.name}]\ntype=deleted\n`;
      else delete files[`/p/${change.name}.cnf`];
    }
    const again = readSources("/x.cnf", memoryFiles({ "/x.cnf": FILE, ...files }), ENV);
    const restarted = valid(compileConfiguration(again.sections, ENV));
    expect(diffConfigurations(direct, restarted).map(formatChange)).toEqual([]);
  }
  return { lines, files };
}

function valid(result: ReturnType<typeof compileConfiguration>): Configuration {
  if (!result.ok) throw new Error(result.problems.map(formatProblem).join("\n"));
  return result.configuration;
}

const parameters = (values: Readonly<Record<string, string>>) => new Map(Object.entries(values));
const SERVER = "server" as const;

test("an altered object is kept as a whole, under present names, and its environment stays outside", () => {
  const { lines, files } = edited([
    { action: "alter", kind: SERVER, name: "db1", parameters: parameters({ port: "3307" }) },
    { action: "alter", kind: "monitor", name: "m", parameters: parameters({ password: " #new", rise: "2" }) },
  ]);
  expect(lines).toEqual(["~ server db1: port 3306 -> 3307", "~ monitor m: password *** -> ***, rise 1 -> 2"]);
  expect(files).toEqual({
    "/p/db1.cnf": "[db1]\ntype=server\naddress=10.0.0.1\nmonitorpw=$PW\nport=3307\n",
    "/p/m.cnf": '[m]\ntype=monitor\nmodule=mariadbmon\nservers=db1, db2\npassword=" #new"\nrise=2\n',
  });
});

test("a value of $NAME over REST is that text, not the environment", () => {
  const { files } = edited([
    { action: "alter", kind: SERVER, name: "db2", parameters: parameters({ monitoruser: "$PW" }) },
  ]);
  expect(files["/p/db2.cnf"]).toContain('monitoruser="$PW"');
});

test("created, altered and destroyed again leaves nothing; a destroyed object of the file leaves its deletion", () => {
  const server = { kind: SERVER, name: "db3" };
  const { lines, files } = edited(
    [{ action: "create", ...server, parameters: parameters({ address: "10.0.0.3" }) }],
    [{ action: "alter", ...server, parameters: new Map([["port", "3307"]]) }],
    [{ action: "alter", ...server, parameters: new Map([["port", null]]) }],
    [{ action: "alter", kind: "monitor", name: "m", parameters: parameters({ servers: "db1" }) }],
    [
      { action: "destroy", ...server },
      { action: "destroy", kind: SERVER, name: "db2" },
    ],
  );
  expect(lines).toEqual(["- server db3", "- server db2"]);
  expect(Object.keys(files)).toEqual(["/p/m.cnf", "/p/db2.cnf"]);
  const back = edited(
    [{ action: "alter", kind: "monitor", name: "m", parameters: parameters({ servers: "db1" }) }],
    [{ action: "destroy", kind: SERVER, name: "db2" }],
    [{ action: "create", kind: SERVER, name: "db2", parameters: parameters({ address: "10.0.0.9" }) }],
  );
  expect(back.lines).toEqual(["+ server db2"]);
});

test("[sluice] keeps only what was changed; null is the default even where the file says otherwise", () => {
  const sluice = { action: "alter" as const, kind: "sluice" as const, name: "sluice" };
  const { lines, files } = edited(
    [{ ...sluice, parameters: parameters({ log_info: "true" }) }],
    [{ ...sluice, parameters: new Map([["passive", null]]) }],
  );
  expect(lines).toEqual(["~ sluice: passive true -> false"]);
  expect(files).toEqual({ "/p/sluice.cnf": "[sluice]\nlog_info=true\npassive=false\n" });
});

test("what is not there cannot be changed, and what is there cannot be made", () => {
  expect(() => edited([{ action: "destroy", kind: "monitor", name: "db1" }])).toThrow(
    "there is no monitor db1",
  );
  expect(() => edited([{ action: "create", kind: "service", name: "db1", parameters: new Map() }])).toThrow(
    "there is a server db1 already",
  );
  expect(() => edited([{ action: "destroy", kind: SERVER, name: "db2" }])).toThrow(
    "there is no server of that name",
  );
});
