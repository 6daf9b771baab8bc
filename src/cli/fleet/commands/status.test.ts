import { afterAll, beforeAll, expect, test } from "bun:test";
import { eventually } from "../../../../test/eventually.ts";
import { runFleet } from "../../../../test/support/fleet-command.ts";
import { answerJson, RestServer } from "../../../../test/support/rest-server.ts";
import { command } from "./status.ts";

const link = (type: string, ...ids: string[]) => ({ [type]: { data: ids.map((id) => ({ id, type })) } });
const parameters = { address: "10.0.0.1", port: 3306 };

const DOCUMENTS: Readonly<Record<string, unknown>> = {
  "/v1/maxscale": {
    data: { id: "maxscale", attributes: { version: "1.2.3", uptime: 90, parameters: { passive: true } } },
  },
  "/v1/monitors": {
    data: [
      {
        id: "cluster",
        attributes: {
          module: "galeramon",
          state: "Running",
          monitor_diagnostics: { master: "db1", diagnosis: "One of two nodes is down." },
        },
        relationships: link("servers", "db1", "db2"),
      },
    ],
  },
  "/v1/servers": {
    data: [
      {
        id: "db1",
        attributes: {
          state: "Master, Synced, Running",
          verdict: { up: true },
          parameters,
          replication_lag: 0,
        },
      },
      {
        id: "db2",
        attributes: {
          state: "Down",
          details: "Nothing listens.",
          verdict: { up: false, code: "PROBE_REFUSED" },
          parameters,
          replication_lag: -1,
        },
      },
    ],
  },
};
let rest: RestServer;
let isThere = true;

beforeAll(async () => {
  rest = await RestServer.start(({ target }, response) => {
    if (!isThere) return void response.destroy();
    const document = DOCUMENTS[target] ?? (target === "/v1/services" ? { data: [] } : undefined);
    answerJson(response, document === undefined ? 404 : 200, document ?? { errors: [] });
  });
});
afterAll(async () => {
  await rest.stop();
});

test("one screen; also of a MaxScale, which has no publishers and no events", async () => {
  const { code, out } = await runFleet(command, ["--hosts", rest.host]);
  expect(code).toBe(0);
  expect(out).toBe(
    [
      `Sluice 1.2.3 on ${rest.host}, up 90 s, passive: it changes nothing in the cluster`,
      "",
      "cluster (galeramon, Running): One of two nodes is down.",
      "┌────────┬───────────────┬─────────────────────────┬─────┬─────────────┬────────────┬──────────────────┐",
      "│ Server │ Address       │ State                   │ Lag │ Connections │ Last event │ Reason           │",
      "├────────┼───────────────┼─────────────────────────┼─────┼─────────────┼────────────┼──────────────────┤",
      "│ db1    │ 10.0.0.1:3306 │ Master, Synced, Running │ 0 s │ 0           │            │                  │",
      "│ db2    │ 10.0.0.1:3306 │ Down                    │     │ 0           │            │ Nothing listens. │",
      "└────────┴───────────────┴─────────────────────────┴─────┴─────────────┴────────────┴──────────────────┘",
      "",
    ].join("\n"),
  );
});

test("--json: every name is there, and what is not known is null", async () => {
  const { out } = await runFleet(command, ["--hosts", rest.host, "--json"]);
  expect(JSON.parse(out)).toMatchObject({
    passive: true,
    monitors: [{ name: "cluster", primary: "db1", servers: ["db1", "db2"] }],
    servers: [
      { name: "db1", up: true, lag_seconds: 0 },
      { name: "db2", up: false, code: "PROBE_REFUSED", lag_seconds: null, last_event: null },
    ],
    publishers: [],
    events: [],
  });
});

test("--watch draws in place, keeps what it saw when the daemon is gone, and leaves the terminal as it was", async () => {
  let drawn = "";
  const terminal = {
    size: () => ({ columns: 120, rows: 40 }),
    write: (text: string) => {
      drawn += text;
    },
  };
  const args = ["--hosts", rest.host, "--watch", "--interval", "100ms"];
  const running = runFleet(command, args, { terminal });
  await eventually(() => drawn.includes("One of two nodes is down."));
  isThere = false;
  await eventually(() => drawn.includes("NO ANSWER, what follows is old"));
  isThere = true;
  process.emit("SIGINT");
  expect((await running).code).toBe(0);
  expect(drawn.split("NO ANSWER").at(-1)).toContain("One of two nodes is down.");
  expect(drawn.endsWith("\u001b[?25h\u001b[?1049l")).toBe(true);
});
