import { expect, test } from "bun:test";
import { Command } from "commander";
import type { Collection } from "../../client/rest/collections.ts";
import { FLEET_COMMANDS } from "../fleet/fleet-commands.ts";
import { completeLine } from "./complete-line.ts";

const NAMES: Partial<Record<Collection, readonly string[]>> = {
  servers: ["db1", "db2"],
  monitors: ["cluster"],
  services: ["rw"],
};
const names = async (collection: Collection): Promise<readonly string[]> => NAMES[collection] ?? [];
const table = {
  names: ["check", "maintenance", ...Object.keys(FLEET_COMMANDS)],
  program: async (name: string) =>
    new Command(name)
      .usage("[options] on|off|drain")
      .option("--ssl-ca <file>")
      .option("--protocol <tcp|socket>"),
};

async function words(line: string): Promise<readonly string[] | "files"> {
  const completion = await completeLine(line.split(" ").slice(1), table, names);
  return completion === "files" ? "files" : completion.map(({ word }) => word);
}

test.each([
  ["sluice ma", ["maintenance"]],
  ["sluice list se", ["servers", "services", "sessions"]],
  ["sluice show server ", ["db1", "db2"]],
  ["sluice show server db1 ", []],
  ["sluice nonsense ", []],
])("%s: commands, their words and the names of what there is", async (line, expected) => {
  expect(await words(line)).toEqual(expected);
});

test.each([
  ["sluice set server db1 ", ["maintenance", "drain"]],
  ["sluice clear server db1 dr", ["drain"]],
  ["sluice explain db", ["db1", "db2"]],
  ["sluice create server db3 --monitors ", ["cluster"]],
  ["sluice create service rw2 readwritesplit cluster=", ["cluster=cluster"]],
  ["sluice create user bob --type ", ["admin", "basic"]],
  ["sluice alter monitor cluster monitor_int", ["monitor_interval="]],
  ["sluice events --event new_pri", ["new_primary"]],
  ["sluice -", []],
])("%s: values of operands, options and parameters", async (line, expected) => {
  expect(await words(line)).toEqual(expected);
});

test("files where an option takes one", async () => {
  expect(await words("sluice list servers --tls-ca-cert ")).toBe("files");
  expect(await words("sluice check --ssl-ca ")).toBe("files");
});

test("a command without words of its own: its options, their values, and the words of its form", async () => {
  expect(await words("sluice check --pro")).toEqual(["--protocol"]);
  expect(await words("sluice check --protocol ")).toEqual(["tcp", "socket"]);
  expect(await words("sluice maintenance ")).toEqual(["on", "off", "drain"]);
});

test("options stand between words and change nothing", async () => {
  expect(await words("sluice show -h lb1:8989 server d")).toEqual(["db1", "db2"]);
});
