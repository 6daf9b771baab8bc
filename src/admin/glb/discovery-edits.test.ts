import { expect, test } from "bun:test";
import { parseCnf } from "../../config/cnf-parser.ts";
import { compileConfiguration } from "../../config/compile-configuration.ts";
import type { MonitorObject } from "../../config/configuration.ts";
import { fromCnf } from "../../config/source.ts";
import { parseDestination } from "../../config/values/destination.ts";
import { discoveryEdits } from "./discovery-edits.ts";

const TEXT = `
[db1]
type=server
address=10.0.0.1

[db2]
type=server
address=proxy.example
private_address=10.0.0.2

[idle]
type=server
address=10.0.0.9

[found]
type=server
address=10.0.0.3

[cluster]
type=monitor
module=galeramon
user=u
password=p
servers=db1,db2,found
discover=true
`;

const result = compileConfiguration(fromCnf(parseCnf("test.cnf", TEXT).sections, "file"), {});
if (!result.ok) throw new Error("the text is wrong");
const { configuration } = result;
const monitor = configuration.monitors.get("cluster") as MonitorObject;

function edits(members: string, up: readonly string[] = ["db1", "db2", "found"]) {
  const destinations = members.split(" ").flatMap((text) => parseDestination(text, 3306) ?? []);
  const isSame = (a: string, b: string) => a === b;
  const isFound = (name: string) => name === "found";
  return discoveryEdits(configuration, monitor, destinations, isSame, isFound, (name) => up.includes(name));
}

test("nothing where all members are watched, by either of their addresses", () => {
  expect(edits("10.0.0.1:3306 10.0.0.2:3306 10.0.0.3:3306").edits).toEqual([]);
  expect(edits("10.0.0.1 proxy.example 10.0.0.3").edits).toEqual([]);
});

test("a new member is made, one that the configuration has is only watched", () => {
  const { edits: found, added } = edits("10.0.0.1 10.0.0.4:3307 10.0.0.9");
  expect(added).toEqual(["10.0.0.4-3307", "idle"]);
  expect(found).toEqual([
    {
      action: "create",
      kind: "server",
      name: "10.0.0.4-3307",
      parameters: new Map([
        ["address", "10.0.0.4"],
        ["port", "3307"],
      ]),
    },
    {
      action: "alter",
      kind: "monitor",
      name: "cluster",
      parameters: new Map([["servers", "db1,db2,found,10.0.0.4-3307,idle"]]),
    },
  ]);
});

test("of members that are gone only those go that were found, and only while they are down", () => {
  expect(edits("10.0.0.1").edits).toEqual([]);
  expect(edits("10.0.0.1", ["db1"]).edits).toEqual([
    { action: "alter", kind: "monitor", name: "cluster", parameters: new Map([["servers", "db1,db2"]]) },
    { action: "destroy", kind: "server", name: "found" },
  ]);
});
