import { afterEach, expect, test } from "bun:test";
import type { ServerResponse } from "node:http";
import { eventually } from "../../../../test/eventually.ts";
import { runFleet } from "../../../../test/support/fleet-command.ts";
import { answerJson, RestServer } from "../../../../test/support/rest-server.ts";
import { SYSTEM_CLOCK } from "../../../telemetry/clock.ts";
import { command } from "./events.ts";

const NOON = Date.UTC(2026, 0, 31, 12);
const kept = [happened(1, "server_down", NOON - 3_600_000), happened(2, "server_up", NOON - 60_000)];
const streams: ServerResponse[] = [];
let rest: RestServer | undefined;

afterEach(async () => {
  await rest?.stop();
  streams.length = 0;
});

async function daemon(): Promise<RestServer> {
  rest = await RestServer.start(({ target }, response) => {
    if (!target.startsWith("/v1/events/stream")) {
      return answerJson(response, 200, { data: target.endsWith("limit=1") ? kept.slice(-1) : kept });
    }
    response.writeHead(200, { "content-type": "text/event-stream" });
    response.write(": here\n\n");
    streams.push(response);
  });
  return rest;
}

const clock = { ...SYSTEM_CLOCK, now: () => NOON, after: SYSTEM_CLOCK.after.bind(SYSTEM_CLOCK) };

test("a table of those that are kept; --since leaves out the older ones", async () => {
  const { host } = await daemon();
  const all = await runFleet(command, ["--hosts", host, "--tsv"], { clock });
  expect(all.out).toBe(
    [
      "1\t2026-01-31T11:00:00.000Z\tm\tdb1\tserver_down\tRunning\tDown\tNothing listens there.\n",
      "2\t2026-01-31T11:59:00.000Z\tm\tdb1\tserver_up\tRunning\tDown\tNothing listens there.\n",
    ].join(""),
  );
  const late = await runFleet(command, ["--hosts", host, "--tsv", "--since", "10min"], { clock });
  expect(late.out.split("\t")[0]).toBe("2");
});

test("filters are the daemon's; a name that is none of an event is told here", async () => {
  const server = await daemon();
  await runFleet(command, ["--hosts", server.host, "--server", "db1,db2", "--event", "server_down"]);
  expect(server.requests[0]?.target).toBe("/v1/events?limit=1000&server=db1%2Cdb2&event=server_down");
  const told = await runFleet(command, ["--hosts", server.host, "--event", "server_dwn"]);
  expect(told).toMatchObject({ code: 2 });
});

test("--follow: what happened since, then each as it happens, over a lost connection, until Ctrl-C", async () => {
  const server = await daemon();
  let out = "";
  const write = (text: string): void => {
    out += text;
  };
  const running = runFleet(command, ["--hosts", server.host, "--follow", "--since", "10min"], {
    clock,
    write,
  });
  await eventually(() => streams.length === 1);
  streams[0]?.write(eventText(3, "new_primary"));
  await eventually(() => out.includes("new_primary"));
  streams[0]?.end();
  await eventually(() => streams.length === 2);
  streams[1]?.write(eventText(4, "lost_primary"));
  await eventually(() => out.includes("lost_primary"));
  process.emit("SIGINT");
  expect((await running).code).toBe(0);
  expect(out.split("\n").map((line) => line.split(" ")[2])).toEqual([
    "server_up:",
    "new_primary:",
    "lost_primary:",
    undefined,
  ]);
  const asked = server.requests.filter(({ target }) => target.startsWith("/v1/events/stream"));
  expect(asked.map(({ headers }) => headers["last-event-id"])).toEqual(["2", "3"]);
});

function happened(id: number, event: string, time: number) {
  const attributes = {
    time: new Date(time).toISOString(),
    monitor: "m",
    server: "db1",
    event,
    from: "Running",
    to: "Down",
    sentence: "Nothing listens there.",
  };
  return { id: String(id), type: "events", attributes };
}

const eventText = (id: number, event: string): string =>
  `id: ${id}\nevent: ${event}\ndata: ${JSON.stringify(happened(id, event, NOON).attributes)}\n\n`;
