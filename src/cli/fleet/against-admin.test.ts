import { afterAll, beforeAll, expect, test } from "bun:test";
import { eventually } from "../../../test/eventually.ts";
import { AdminFixture } from "../../../test/support/admin-fixture.ts";
import { runFleet, type Told } from "../../../test/support/fleet-command.ts";
import { FLEET_COMMANDS, type FleetCommandName } from "./fleet-commands.ts";

let fixture: AdminFixture;
beforeAll(async () => {
  fixture = await AdminFixture.started();
  fixture.control.emit({});
});
afterAll(async () => {
  await fixture.close();
});

/** With words that begin with `<` as what a person types. */
async function sluice(line: string): Promise<Told> {
  const words = line.split(" ");
  const [name = "", ...args] = words.filter((word) => !word.startsWith("<"));
  const answers = words.filter((word) => word.startsWith("<")).map((word) => word.slice(1));
  const command = await FLEET_COMMANDS[name as FleetCommandName]();
  return await runFleet(command, ["--hosts", fixture.socketPath, ...args], { answers });
}

/** Every list and every sheet, against the API that prints what they read. */
test.each([
  ["list servers", "db1", "Running", "m"],
  ["list services", "rw", "readwritesplit", "db1, db2"],
  ["list monitors", "m", "Running", "db1, db2"],
  ["list listeners", "rw-listener", "4006", "rw"],
  ["list publishers", "node-health", "http", "200 GALERA_SYNCED"],
  ["list users", "admin", "inet"],
  ["list modules", "mariadbmon", "readwritesplit"],
  ["list threads", "0", "5", "9"],
  ["list filters", "Filter"],
  ["list sessions", "I/O-Activity"],
  ["list events", "server_down", "Nothing listens there."],
  ["list commands", "switchover", "MONITOR"],
  ["show server db1", "10.0.0.1", "server_up", "*****"],
  ["show monitor m", "mariadbmon", "All is well."],
  ["show service rw", "readwritesplit"],
  ["show listener rw-listener", "4006"],
  ["show publisher node-health", "9200"],
  ["show module mariadbmon", "switchover"],
  ["show maxscale", "0.1.0", "abc1234"],
  ["status", "m (mariadbmon, Running): All is well.", "node-health"],
  ["explain db1", "wsrep_local_state", "Happened lately:"],
] as readonly (readonly [string, ...string[]])[])("%s", async (line, ...expected) => {
  const { code, out, error } = await sluice(line);
  expect({ code, error }).toEqual({ code: 0, error: "" });
  for (const text of expected) expect(out).toContain(text);
  expect(out).not.toContain("topsecret");
  expect(JSON.parse((await sluice(`${line} --json`)).out)).toBeObject();
});

test("an object's whole life", async () => {
  for (const line of [
    "create server db4 10.0.0.4 3306 --monitors m --services ro",
    "alter server db4 --port 3310",
    "set server db4 drain",
    "clear server db4 drain",
    "unlink monitor m db4",
    "link server db4 m",
    "create publisher p4 http server=db4 port=9204",
    "alter publisher p4 port 9205",
    "destroy publisher p4",
    "stop monitor m",
    "start monitor m",
    "call command mariadbmon switchover m db2 db1",
  ]) {
    expect({ line, ...(await sluice(line)) }).toMatchObject({ line, code: 0, error: "" });
  }
  expect(await sluice("destroy server db4")).toMatchObject({ code: 1 });
  expect(await sluice("destroy server db4 --force")).toMatchObject({ code: 0 });
  expect(fixture.control.configuration().servers.has("db4")).toBe(false);
  expect(fixture.control.calls).toContain("mariadbmon switchover m db2 db1");
});

test("every mistake of a change comes back, and nothing was changed", async () => {
  const { code, error } = await sluice("alter server db1 port=99999 rise=x");
  expect(code).toBe(2);
  expect(error).toContain("99999");
  expect(error).toContain("rise");
  expect(fixture.control.configuration().servers.get("db1")?.parameters.port).toBe(3306);
});

test("accounts: made with a password that is typed, read-only, changed, destroyed", async () => {
  const hosts = `127.0.0.1:${fixture.server.port}`;
  const as = async (name: "list" | "set", words: string, password: string): Promise<Told> =>
    await runFleet(await FLEET_COMMANDS[name](), ["--hosts", hosts, "-u", "bob", ...words.split(" ")], {
      answers: [password],
    });
  expect(await sluice("create user bob --type basic <f1rst-Secret <f1rst-Secret")).toMatchObject({ code: 0 });
  expect(await as("list", "servers --tsv", "f1rst-Secret")).toMatchObject({ code: 0 });
  expect(await as("set", "server db2 drain", "f1rst-Secret")).toMatchObject({ code: 4 });
  expect(await sluice("alter user bob <s3cond-Secret <s3cond-Secret")).toMatchObject({ code: 0 });
  expect(await as("list", "servers", "f1rst-Secret")).toMatchObject({ code: 4 });
  expect(await as("list", "servers", "s3cond-Secret")).toMatchObject({ code: 0 });
  expect(await sluice("destroy user bob")).toMatchObject({ code: 0 });
});

test("events --follow is told as they happen", async () => {
  let out = "";
  const write = (text: string): void => {
    out += text;
  };
  const args = ["--hosts", fixture.socketPath, "--follow", "--json"];
  const running = runFleet(await FLEET_COMMANDS.events(), args, { write });
  await eventually(() => fixture.control.subscribers === 1);
  fixture.control.emit({ event: "new_primary", server: "db2" });
  await eventually(() => out.endsWith("\n"));
  process.emit("SIGINT");
  expect((await running).code).toBe(0);
  expect(JSON.parse(out)).toMatchObject({ event: "new_primary", server: "db2" });
});
