import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type Server, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { askAgent, askAgentJson } from "./agent-client.ts";

let directory: string;
let path: string;
let server: Server | undefined;
let received: string;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "sluice-client-"));
  path = join(directory, "agent.sock");
  received = "";
});
afterEach(() => {
  server?.close();
  server = undefined;
  rmSync(directory, { recursive: true });
});

/** Listens, and lets `answer` loose on whoever connects and sends something. */
async function agent(answer: (socket: Socket) => void): Promise<void> {
  const listening = createServer((socket) => {
    socket.on("error", () => {});
    socket.on("data", (chunk) => {
      received += String(chunk);
      answer(socket);
    });
  });
  server = listening;
  await new Promise<void>((resolve) => listening.listen({ path }, resolve));
}

const GET = { method: "GET", target: "/status" } as const;

describe("askAgent", () => {
  test("brings status and body, in whatever pieces they come", async () => {
    await agent((socket) => {
      for (const piece of ["HTTP/1.1 404 Not", " Found\r\nContent-Length: 3\r\n", "\r", "\nx", "yz"])
        socket.write(piece);
      socket.end();
    });
    expect(await askAgent(path, GET, 5000)).toEqual({ status: 404, body: "xyz" });
    expect(received).toBe("GET /status HTTP/1.0\r\nContent-Length: 0\r\n\r\n");
  });

  test("sends a body as JSON", async () => {
    await agent((socket) => socket.end("HTTP/1.1 200 OK\r\n\r\n{}"));
    await askAgent(path, { method: "POST", target: "/maintenance", body: { server: "dé" } }, 5000);
    expect(received).toEndWith('Content-Length: 16\r\n\r\n{"server":"dé"}');
  });

  test("nobody there", async () => {
    const expected = { code: "AGENT_UNREACHABLE", message: `no agent answers on ${path}` };
    await expect(askAgent(path, GET, 5000)).rejects.toMatchObject(expected);
    writeFileSync(path, "a file");
    await expect(askAgent(path, GET, 5000)).rejects.toMatchObject({ code: "AGENT_UNREACHABLE" });
    await expect(askAgent(`${path}/deeper`, GET, 5000)).rejects.toMatchObject({ code: "AGENT_UNREACHABLE" });
    await expect(askAgent(join(directory, "x".repeat(200)), GET, 5000)).rejects.toMatchObject({
      code: "AGENT_UNREACHABLE",
    });
  });

  test("silence ends at the deadline", async () => {
    await agent(() => {});
    await expect(askAgent(path, GET, 30)).rejects.toMatchObject({
      code: "TIMEOUT",
      message: `the agent on ${path} did not answer within 30 ms`,
    });
    const change = { method: "POST", target: "/maintenance" } as const;
    await expect(askAgent(path, change, 30)).rejects.toMatchObject({
      message: `the agent on ${path} did not answer within 30 ms: it may still do what it was asked, when it goes on`,
    });
  });

  test.each([
    "",
    "HTTP/1.1 200 OK\r\n",
    "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nabc",
    "220 smtp\r\n\r\n",
  ])("%j is no answer of an agent", async (text) => {
    await agent((socket) => socket.end(text));
    await expect(askAgent(path, GET, 5000)).rejects.toMatchObject({ code: "AGENT_UNREACHABLE" });
  });

  test("an answer without end is cut off", async () => {
    const flood = (socket: Socket): void => {
      while (socket.writable && socket.write("x".repeat(100_000)));
      socket.once("drain", () => flood(socket));
    };
    await agent(flood);
    await expect(askAgent(path, GET, 5000)).rejects.toMatchObject({
      message: expect.stringContaining("it sent more than 4194304 bytes"),
    });
  });
});

describe("askAgentJson", () => {
  const answering = (status: number, body: string) =>
    agent((socket) => socket.end(`HTTP/1.1 ${status} X\r\n\r\n${body}`));

  test("brings the value", async () => {
    await answering(200, '{"server":"db1"}');
    expect(await askAgentJson(path, GET, 5000)).toEqual({ server: "db1" });
  });

  test.each([
    [
      404,
      '{"code":"REQUEST_INVALID","message":"unknown server"}',
      "REQUEST_INVALID",
      "the agent answers: unknown server",
    ],
    [500, '{"code":"NEWER_THAN_US","message":"x"}', "INTERNAL", "the agent answers: x"],
    [403, '{"code":"FORBIDDEN"}', "FORBIDDEN", "the agent answers: status 403"],
    [500, "oops", "AGENT_UNREACHABLE", expect.stringContaining("it answered 500 without JSON")],
  ])("%d %s", async (status, body, code, message) => {
    await answering(status, body);
    await expect(askAgentJson(path, GET, 5000)).rejects.toMatchObject({ code, message });
  });
});
