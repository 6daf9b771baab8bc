import { afterAll, beforeAll, beforeEach, expect, test } from "bun:test";
import { runFleet, type Told } from "../../../test/support/fleet-command.ts";
import { answerJson, RestServer } from "../../../test/support/rest-server.ts";
import { FLEET_COMMANDS, type FleetCommandName } from "./fleet-commands.ts";

const SERVERS = [
  server("db1", "Master, Running", "0-3000-7"),
  server("db2", "Slave, Running\u001b[31m", null),
];
let rest: RestServer;
let other: RestServer;

/** Every change is fine; there are two servers, and nothing else. */
beforeAll(async () => {
  [rest, other] = await Promise.all([RestServer.start(answer), RestServer.start(answer)]);
});
beforeEach(() => {
  rest.requests.length = 0;
  other.requests.length = 0;
});
afterAll(async () => {
  await Promise.all([rest.stop(), other.stop()]);
});

const answer: Parameters<typeof RestServer.start>[0] = ({ method, target }, response) => {
  if (method !== "GET") {
    if (target.includes("primary")) {
      const detail = "db1 is the primary; --force puts it away nevertheless";
      return answerJson(response, 403, { errors: [{ code: "REFUSED", detail }] });
    }
    if (target.includes("nobody")) return answerJson(response, 404, { errors: [{ detail: "not found" }] });
    return answerJson(response, 204, undefined);
  }
  if (target === "/v1/servers") return answerJson(response, 200, { data: SERVERS });
  return answerJson(response, 200, { data: [] });
};

async function sluice(line: string, hosts = rest.host): Promise<Told> {
  const [name = "", ...args] = line.split(" ");
  const command = await FLEET_COMMANDS[name as FleetCommandName]();
  return await runFleet(command, ["--hosts", hosts, ...args]);
}

/** The one request a line leads to. */
async function requestOf(line: string): Promise<string> {
  const { error } = await sluice(line);
  expect(error).toBe("");
  return rest.requests.map(({ method, target, body }) => `${method} ${target} ${body}`.trim()).join("\n");
}

test("a table as maxctrl draws it; what servers say cannot drive the terminal", async () => {
  expect((await sluice("list servers")).out).toBe(
    [
      "┌────────┬──────────┬──────┬─────────────┬──────────────────────────┬──────────┬─────────┐",
      "│ Server │ Address  │ Port │ Connections │ State                    │ GTID     │ Monitor │",
      "├────────┼──────────┼──────┼─────────────┼──────────────────────────┼──────────┼─────────┤",
      "│ db1    │ 10.0.0.1 │ 3306 │ 0           │ Master, Running          │ 0-3000-7 │ m       │",
      "├────────┼──────────┼──────┼─────────────┼──────────────────────────┼──────────┼─────────┤",
      "│ db2    │ 10.0.0.1 │ 3306 │ 0           │ Slave, Running\\u001b[31m │          │ m       │",
      "└────────┴──────────┴──────┴─────────────┴──────────────────────────┴──────────┴─────────┘",
      "",
    ].join("\n"),
  );
});

test("for programs: the document, lines with tabs, or the exit code alone", async () => {
  expect(JSON.parse((await sluice("list servers --json")).out)).toEqual({ data: SERVERS });
  expect((await sluice("list servers --tsv")).out.split("\n")[0]).toBe(
    "db1\t10.0.0.1\t3306\t0\tMaster, Running\t0-3000-7\tm",
  );
  expect(await sluice("list servers --quiet")).toMatchObject({ code: 0, out: "" });
  expect(JSON.parse((await sluice("reload tls --json")).out)).toEqual({ done: [rest.host] });
});

const name = (id: string, type: string, attributes: object, relationships: object = {}): string =>
  JSON.stringify({ data: { id, type, attributes, relationships } });

test.each([
  [
    "create server db3 10.0.0.3 3307",
    `POST /v1/servers ${name("db3", "servers", { parameters: { address: "10.0.0.3", port: "3307" } })}`,
  ],
  [
    "create server db3 --port 3307 --socket=/run/s --monitors m --services a b",
    `POST /v1/servers ${name(
      "db3",
      "servers",
      { parameters: { port: "3307", socket: "/run/s" } },
      {
        monitors: { data: [{ id: "m", type: "monitors" }] },
        services: {
          data: [
            { id: "a", type: "services" },
            { id: "b", type: "services" },
          ],
        },
      },
    )}`,
  ],
  [
    "create monitor m mysqlmon servers=db1 monitor_interval=1s",
    `POST /v1/monitors ${name(
      "m",
      "monitors",
      { module: "mysqlmon", parameters: { monitor_interval: "1s" } },
      { servers: { data: [{ id: "db1", type: "servers" }] } },
    )}`,
  ],
  [
    "alter monitor m monitor_interval 500ms user=bob",
    `PATCH /v1/monitors/m ${JSON.stringify({
      data: {
        id: "m",
        type: "monitors",
        attributes: { parameters: { monitor_interval: "500ms", user: "bob" } },
      },
    })}`,
  ],
  [
    "alter maxscale passive true",
    `PATCH /v1/maxscale ${JSON.stringify({ data: { attributes: { parameters: { passive: "true" } } } })}`,
  ],
  ["set server db1 drain --force", "PUT /v1/servers/db1/set?force=yes&state=drain"],
  ["clear server db1 maintenance", "PUT /v1/servers/db1/clear?state=maintenance"],
  ["destroy server db1 --force", "DELETE /v1/servers/db1?force=yes"],
  ["destroy listener rw rw-listener", "DELETE /v1/listeners/rw-listener"],
  ["destroy session 17 --ttl 30s", "DELETE /v1/sessions/17?ttl=30"],
  ["stop monitor m", "PUT /v1/monitors/m/stop"],
  ["restart monitor m", "PUT /v1/monitors/m/stop\nPUT /v1/monitors/m/start"],
  ["reload", "POST /v1/maxscale/reload"],
  ["reload tls", "POST /v1/maxscale/tls/reload"],
])("%s", async (line, expected) => {
  expect(await requestOf(line)).toBe(expected);
});

test.each([
  ["list servrs", 2, "did you mean sluice list servers?"],
  ["list", 2, "one word is missing: sluice list servers|"],
  ["set server db1 maintenence", 2, "did you mean maintenance?"],
  ["set server", 2, "SERVER is missing; the form is: sluice set server SERVER STATE"],
  ["show server db1 db2", 2, "one argument too many"],
  ["list servers --jsn", 2, "did you mean --json?"],
  ["list servers --json --tsv", 2, "give one of them"],
  ["alter server db1", 2, "give KEY=VALUE"],
  ["alter server db1 port", 2, "port has no value"],
  ["create server db1 10.0.0.1 mysql", 2, "mysql is no port"],
  ["events --since yesterday-ish", 2, "expected a duration such as 10min"],
  ["status --watch", 2, "draws on a terminal"],
  ["set server primary drain", 1, "--force"],
  ["destroy server nobody", 1, "there is no server nobody; there is db1, db2"],
])("%s ends with exit code %i and what to do: %s", async (line, code, sentence) => {
  const told = await sluice(line);
  expect(told).toMatchObject({ code, out: "" });
  expect(told.error).toContain(sentence);
});

test("with --json an error is a document on standard output", async () => {
  const { code, out } = await sluice("destroy server nobody --json");
  expect(code).toBe(1);
  expect(JSON.parse(out)).toEqual({
    errors: [{ code: "NOT_FOUND", detail: "there is no server nobody; there is db1, db2" }],
  });
});

test("nobody there: exit code 3, and how to name another place", async () => {
  const { code, error } = await sluice("list servers", "127.0.0.1:1");
  expect(code).toBe(3);
  expect(error).toContain("nothing listens on 127.0.0.1:1");
  expect(error).toContain("--hosts HOST:PORT");
});

test("a change is made on every daemon, or on none if one does not answer", async () => {
  const hosts = `${rest.host},${other.host}`;
  expect(await sluice("set server db1 drain", hosts)).toMatchObject({
    code: 0,
    out: `${rest.host}\nOK\n${other.host}\nOK\n`,
  });
  rest.requests.length = 0;
  const told = await sluice("set server db1 drain", `${rest.host},127.0.0.1:1`);
  expect(told).toMatchObject({ code: 3 });
  expect(told.error).toContain("nothing was changed");
  expect(rest.requests.filter(({ method }) => method !== "GET")).toEqual([]);
});

test("a read is answered by the first daemon that is there", async () => {
  expect((await sluice("list servers --tsv", `127.0.0.1:1,${rest.host}`)).out).toContain("db1\t");
});

test("a password of a monitor is asked for, twice, or hidden from other users", async () => {
  const command = await FLEET_COMMANDS.alter();
  const line = ["--hosts", rest.host, "monitor", "m"];
  const asked = await runFleet(command, [...line, "password=-"], { answers: ["s3cret", "s3cret"] });
  expect(asked).toMatchObject({ code: 0, asked: ["password", "password, once more"] });
  expect(rest.requests.at(-1)?.body).toContain('"password":"s3cret"');
  const differing = await runFleet(command, [...line, "password=-"], { answers: ["s3cret", "secret"] });
  expect(differing).toMatchObject({ code: 2, error: "the two are not the same: nothing was changed" });
  const nobody = await runFleet(command, [...line, "password=-"]);
  expect(nobody.error).toContain("sluice secrets encrypt");
  const hidden: string[] = [];
  const hideArgument = (parameter: string, value: string): void => {
    hidden.push(parameter, value);
  };
  await runFleet(command, [...line, "password=plain"], { hideArgument });
  expect(hidden).toEqual(["password", "plain"]);
});

function server(id: string, state: string, gtid: string | null) {
  return {
    id,
    type: "servers",
    attributes: { state, gtid_current_pos: gtid, parameters: { address: "10.0.0.1", port: 3306 } },
    relationships: { monitors: { data: [{ id: "m", type: "monitors" }] } },
  };
}
