import { afterEach, expect, test } from "bun:test";
import type { ServerResponse } from "node:http";
import { eventually } from "../../../test/eventually.ts";
import { answerJson, RestServer, type SeenRequest } from "../../../test/support/rest-server.ts";
import { errorMessage } from "../../errors/sluice-error.ts";
import { SYSTEM_CLOCK } from "../../telemetry/clock.ts";
import { Daemon } from "./daemon.ts";
import { followEvents, type StreamOptions } from "./event-stream.ts";
import { type DaemonAddress, parseHosts } from "./route.ts";

const servers: RestServer[] = [];
const stop = new Set<AbortController>();
afterEach(async () => {
  for (const controller of stop) controller.abort();
  for (const server of servers.splice(0)) await server.stop();
});

async function follow(
  answer: (request: SeenRequest, response: ServerResponse) => void,
  options: Partial<StreamOptions> = {},
) {
  const server = await RestServer.start(answer);
  servers.push(server);
  const daemon = new Daemon(parseHosts(server.host, false)[0] as DaemonAddress, {
    tls: { ca: undefined, cert: undefined, key: undefined, verify: true },
    login: async () => ({ kind: "none" }),
    timeoutMs: 2000,
  });
  const controller = new AbortController();
  stop.add(controller);
  const told: string[] = [];
  const done = followEvents(
    daemon,
    "events",
    {
      clock: SYSTEM_CLOCK,
      lastEventId: undefined,
      silenceMs: 5000,
      onEvent: ({ id, data }) => told.push(`${id} ${data}`),
      onLost: (reason) => told.push(reason),
      ...options,
    },
    controller.signal,
  ).then(() => "stopped", errorMessage);
  return { server, told, done, stop: () => controller.abort() };
}

function begin(response: ServerResponse, ...events: readonly string[]): void {
  response.writeHead(200, { "content-type": "text/event-stream" });
  response.write(`: hello\n\n${events.join("")}`);
}

test("comes back with the last id, and tells nothing twice", async () => {
  const { server, told, done, stop } = await follow((request, response) => {
    const from = Number(request.headers["last-event-id"] ?? 0);
    begin(response, `id: ${from + 1}\ndata: a\n\n`, `id: ${from + 2}\ndata: b\n\n`);
    if (from < 4) response.end();
  });
  await eventually(() => told.includes("6 b"));
  const ended = "the daemon ended the stream";
  expect(told).toEqual(["1 a", "2 b", ended, "3 a", "4 b", ended, "5 a", "6 b"]);
  expect(server.requests.map(({ headers }) => headers["last-event-id"])).toEqual([undefined, "2", "4"]);
  expect(server.requests[0]?.headers.accept).toBe("text/event-stream");
  stop();
  expect(await done).toBe("stopped");
});

test("a connection that dies without a word is made anew", async () => {
  let connections = 0;
  const { told } = await follow(
    (_, response) => {
      connections += 1;
      if (connections === 1) begin(response);
      else begin(response, "id: 9\ndata: back\n\n");
    },
    { silenceMs: 50, lastEventId: "7" },
  );
  await eventually(() => told.includes("9 back"));
  expect(told[0]).toBe("nothing was heard for 0.05 s");
});

test("the first connection must succeed", async () => {
  const { done } = await follow((_, response) => answerJson(response, 401, undefined));
  expect(await done).toContain("--user NAME");
});

test("a login that is no longer valid ends it", async () => {
  let connections = 0;
  const { done, told } = await follow((_, response) => {
    connections += 1;
    if (connections > 2) return answerJson(response, 401, undefined);
    if (connections === 2) return answerJson(response, 503, undefined);
    begin(response);
    response.end();
  });
  expect(await done).toContain("--user NAME");
  expect(told[1]).toContain("answered 503");
});
