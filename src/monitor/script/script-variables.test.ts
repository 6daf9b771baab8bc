import { expect, test } from "bun:test";
import { aScriptServer } from "../../../test/support/script-servers.ts";
import { scriptVariables } from "./script-variables.ts";

const FLEET = [
  aScriptServer("db1", "10.0.0.1", { role: "primary", galera: "synced" }),
  aScriptServer("db2", "fd00::2", { role: "relay" }, ["db1"]),
  aScriptServer("db3", "db3.example", { role: "replica", admin: "draining" }, ["db2", "db1"]),
  aScriptServer("db4", "/run/db4.sock", { liveness: "down" }, ["db1"]),
  aScriptServer("db5", "10.0.0.5", { admin: "maintenance", galera: "synced" }),
];
const change = (server: string) => ({ server, name: "new_master", names: new Set<string>() });

test("lists are of the whole monitor, as it is after the change", () => {
  expect(scriptVariables(change("db1"), FLEET)).toEqual({
    INITIATOR: "[10.0.0.1]:3306",
    PARENT: "",
    CHILDREN: "[fd00::2]:3306,[db3.example]:3306,[/run/db4.sock]",
    EVENT: "new_master",
    LIST: "[10.0.0.1]:3306,[fd00::2]:3306,[db3.example]:3306,[/run/db4.sock],[10.0.0.5]:3306",
    NODELIST: "[10.0.0.1]:3306,[fd00::2]:3306,[db3.example]:3306,[10.0.0.5]:3306",
    MASTERLIST: "[10.0.0.1]:3306",
    SLAVELIST: "[fd00::2]:3306,[db3.example]:3306",
    SYNCEDLIST: "[10.0.0.1]:3306",
  });
});

test.each([
  ["db2", "[10.0.0.1]:3306", "[db3.example]:3306"],
  ["db4", "[10.0.0.1]:3306", ""],
  ["db5", "", ""],
])("around %s", (server, PARENT, CHILDREN) => {
  expect(scriptVariables(change(server), FLEET)).toMatchObject({ PARENT, CHILDREN });
});

test("nothing is left of a fleet without servers", () => {
  const values = Object.values(scriptVariables(change("db1"), []));
  expect(values.filter((value) => value !== "")).toEqual(["new_master"]);
});
