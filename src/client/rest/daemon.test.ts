import { afterEach, describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import type { AddressInfo } from "node:net";
import { createServer, type Server, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { answerJson, RestServer, type SeenRequest } from "../../../test/support/rest-server.ts";
import { Secret } from "../../config/secret.ts";
import { SluiceError } from "../../errors/sluice-error.ts";
import { fetchOne } from "./collections.ts";
import { Daemon, type DaemonOptions } from "./daemon.ts";
import { Daemons } from "./daemons.ts";
import type { Login } from "./login.ts";
import { type DaemonAddress, parseHosts } from "./route.ts";

const folder = mkdtempSync(join(tmpdir(), "sluice-rest-"));
const stops: (() => Promise<void> | void)[] = [];
afterEach(async () => {
  for (const stop of stops.splice(0)) await stop();
});
process.on("exit", () => rmSync(folder, { recursive: true, force: true }));

async function rest(answer: Parameters<typeof RestServer.start>[0], place = {}): Promise<RestServer> {
  const server = await RestServer.start(answer, place);
  stops.push(() => server.stop());
  return server;
}

/** A server that says what it likes over TCP. */
async function raw(talk: (socket: Socket) => void): Promise<string> {
  const server: Server = createServer((socket) => talk(socket.on("error", () => {})));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  stops.push(() => void server.close());
  return `127.0.0.1:${(server.address() as AddressInfo).port}`;
}

const OPTIONS: DaemonOptions = {
  tls: { ca: undefined, cert: undefined, key: undefined, verify: true },
  login: async () => ({ kind: "none" }),
  timeoutMs: 5000,
};
const BASIC: Login = { kind: "basic", user: "bob", password: new Secret("p:w") };

const one = (hosts: string, options: Partial<DaemonOptions> = {}): Daemon =>
  new Daemon(parseHosts(hosts, false)[0] as DaemonAddress, { ...OPTIONS, ...options });
const several = (hosts: string, options: Partial<DaemonOptions> = {}): Daemons =>
  new Daemons(parseHosts(hosts, false), { ...OPTIONS, ...options });

async function failure(promise: Promise<unknown>): Promise<string> {
  const error = await promise.then(
    () => undefined,
    (caught: unknown) => caught,
  );
  expect(error).toBeInstanceOf(SluiceError);
  const { code, message } = error as SluiceError;
  return `${code}: ${message}`;
}

const ok = (_: SeenRequest, response: Parameters<typeof answerJson>[0]): void =>
  answerJson(response, 200, { data: [] });

describe("a request", () => {
  test("says who asks, and what", async () => {
    const server = await rest((_, response) => answerJson(response, 204, undefined));
    const daemon = one(server.host, { login: async () => BASIC });
    expect(await daemon.send("POST", "servers", { data: { id: "ü" } })).toBeUndefined();
    const [seen] = server.requests;
    expect(seen).toMatchObject({ method: "POST", target: "/v1/servers", body: '{"data":{"id":"ü"}}' });
    expect(seen?.headers.authorization).toBe(`Basic ${Buffer.from("bob:p:w").toString("base64")}`);
    expect(seen?.headers["content-type"]).toBe("application/json");
  });

  test("carries a token", async () => {
    const server = await rest(ok);
    const login: Login = { kind: "bearer", token: new Secret("t") };
    await one(server.host, { login: async () => login }).get("servers");
    expect(server.requests[0]?.headers.authorization).toBe("Bearer t");
  });

  test("needs no password on the socket, and asks for none", async () => {
    const path = join(folder, "a.sock");
    const server = await rest(ok, { path });
    const login = (): Promise<Login> => Promise.reject(new Error("asked"));
    expect(await one(path, { login }).get("servers")).toEqual({ data: [] });
    expect(server.requests[0]?.headers.authorization).toBeUndefined();
  });

  test("takes the port where the socket is not there", async () => {
    const server = await rest(ok);
    const [{ routes: tcp }] = parseHosts(server.host, false) as [DaemonAddress];
    const local = { name: "this host", routes: [{ kind: "socket", path: join(folder, "none") }, ...tcp] };
    const daemon = new Daemon(local as DaemonAddress, { ...OPTIONS, login: async () => BASIC });
    expect(await daemon.get("servers")).toEqual({ data: [] });
    expect(server.requests[0]?.headers.authorization).toStartWith("Basic");
  });
});

describe("no answer", () => {
  test("nobody listens: what to look at, and the way to another", async () => {
    const server = await rest(ok);
    const { host } = server;
    await server.stop();
    stops.pop();
    expect(await failure(one(host).get("servers"))).toBe(
      `API_UNREACHABLE: nothing listens on ${host}: is \`sluice run\` up there? --hosts HOST:PORT names another place`,
    );
    const path = join(folder, "none.sock");
    expect(await failure(one(path).get("servers"))).toContain(`there is no ${path}: is \`sluice run\` up`);
  });

  test("a name that does not resolve", async () => {
    expect(await failure(one("nowhere.invalid").get("servers"))).toStartWith(
      "API_UNREACHABLE: the name in nowhere.invalid:8989 does not resolve",
    );
  });

  test("the deadline holds before the head and inside the body", async () => {
    const silent = await raw(() => {});
    const half = await raw((socket) => socket.write('HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{"data"'));
    expect(
      await failure(one(silent, { timeoutMs: 60 }).send("PUT", "servers/a/set?state=maintenance")),
    ).toContain("the daemon hangs or cannot be reached, and may still do what it was asked when it goes on");
    for (const host of [silent, half]) {
      const said = await failure(one(host, { timeoutMs: 60 }).get("servers"));
      expect(said).toStartWith(`TIMEOUT: ${host} did not answer within 60 ms`);
    }
  });

  test("a trickle does not stretch the deadline", async () => {
    const host = await raw((socket) => {
      socket.write("HTTP/1.1 200 OK\r\ncontent-length: 100000\r\n\r\n");
      const drip = setInterval(() => socket.write(" "), 5);
      socket.on("close", () => clearInterval(drip));
    });
    expect(await failure(one(host, { timeoutMs: 80 }).get("servers"))).toStartWith("TIMEOUT");
  });

  test.each([
    ["HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{", "closed the connection in the middle of its answer"],
    ["", "closed the connection without an answer: if it speaks TLS, add --secure"],
    ["5.5.5-10.11-MariaDB\r\n\r\n", "does not speak HTTP"],
    ["HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\n<htm>", "is no Sluice and no MaxScale"],
    ["HTTP/1.1 200 OK\r\ncontent-length: 99000000\r\n\r\n", "in the middle"],
  ])("%p", async (text, words) => {
    const host = await raw((socket) => socket.end(text));
    const said = await failure(one(host).get("servers"));
    expect(said).toStartWith("API_UNREACHABLE");
    expect(said).toContain(words);
    expect(said).toContain(host);
  });

  test("an answer without end is cut off", async () => {
    const host = await raw((socket) => {
      socket.write("HTTP/1.1 200 OK\r\n\r\n");
      const chunk = Buffer.alloc(1024 * 1024, "x");
      const more = (): void => {
        while (!socket.destroyed && socket.write(chunk));
      };
      socket.on("drain", more);
      more();
    });
    expect(await failure(one(host).get("servers"))).toContain("answered with more than 16777216 bytes");
  });
});

describe("a no", () => {
  const answer = async (
    status: number,
    document: unknown,
    login: Login = { kind: "none" },
    path = "servers",
  ) => {
    const server = await rest((_, response) => answerJson(response, status, document));
    const said = await failure(one(server.host, { login: async () => login }).get(path));
    return said.replaceAll(server.host, "HOST");
  };

  test("401 says how to give credentials", async () => {
    expect(await answer(401, { errors: [{ detail: "Login needed." }] })).toBe(
      "LOGIN_FAILED: Login needed: name an account with --user NAME (its password is asked for), with --password-file, or in ~/.sluice.cnf",
    );
    expect(await answer(401, undefined, BASIC)).toBe(
      "LOGIN_FAILED: HOST answered 401 to GET /v1/servers: check user and password; an account of type basic may only read",
    );
  });

  test("the daemon's own code and words win", async () => {
    const document = { errors: [{ code: "REFUSED", detail: "db1 is the primary" }] };
    expect(await answer(400, document)).toBe("REFUSED: db1 is the primary");
    expect(await answer(400, { errors: [{ code: "constructor", detail: "x" }] })).toBe("REQUEST_INVALID: x");
  });

  test("several mistakes stand on a line each", async () => {
    const document = { errors: [{ detail: "a: wrong" }, { detail: "b: wrong" }] };
    expect(await answer(400, document)).toBe("REQUEST_INVALID: 2 mistakes\n  a: wrong\n  b: wrong");
  });

  test("no JSON, no words", async () => {
    expect(await answer(500, undefined)).toBe("INTERNAL: HOST answered 500 to GET /v1/servers");
    expect(await answer(302, undefined)).toBe("REQUEST_INVALID: HOST answered 302 to GET /v1/servers");
  });

  test("404 names what there is", async () => {
    const data = ["db1", "db2"].map((id) => ({ id, type: "servers" }));
    const server = await rest(({ target }, response) =>
      target === "/v1/servers"
        ? answerJson(response, 200, { data })
        : answerJson(response, 404, { errors: [{ detail: "Not found" }] }),
    );
    const daemon = one(server.host);
    expect(await failure(fetchOne(daemon, "servers", "bd1"))).toBe(
      "NOT_FOUND: there is no server bd1; there is db1, db2",
    );
    expect(server.requests[0]?.target).toBe("/v1/servers/bd1");
  });
});

describe("several daemons", () => {
  test("a read takes the first that answers", async () => {
    const [a, b] = [await rest(ok), await rest(ok)];
    const dead = await raw((socket) => socket.destroy());
    const { daemon } = await several(`${dead},${a.host},${b.host}`).first((one) => one.get("servers"));
    expect(daemon).toBe(a.host);
    expect(b.requests).toEqual([]);
  });

  test("one that hangs leaves time for the next", async () => {
    const silent = await raw(() => {});
    const b = await rest(ok);
    const { daemon } = await several(`${silent},${b.host}`, { timeoutMs: 2000 }).first((one) =>
      (one.name === silent ? one.within(100) : one).get("servers"),
    );
    expect(daemon).toBe(b.host);
  });

  test("a no is an answer", async () => {
    const a = await rest((_, response) => answerJson(response, 404, undefined));
    const b = await rest(ok);
    const asked = several(`${a.host},${b.host}`).first((one) => one.get("servers"));
    expect(await failure(asked)).toStartWith("NOT_FOUND");
    expect(b.requests).toEqual([]);
  });

  test("a write is for all, and for none where one is down", async () => {
    const [a, b] = [await rest(ok), await rest(ok)];
    const done = await several(`${a.host},${b.host}`).everywhere((one) => one.send("PUT", "x"));
    expect(done.map(({ daemon }) => daemon)).toEqual([a.host, b.host]);
    for (const { requests } of [a, b])
      expect(requests.map(({ method, target }) => `${method} ${target}`)).toEqual(["GET /v1/", "PUT /v1/x"]);
    const dead = await raw((socket) => socket.destroy());
    const refused = several(`${a.host},${dead}`).everywhere((one) => one.send("PUT", "y"));
    expect(await failure(refused)).toStartWith(`API_UNREACHABLE: nothing was changed: ${dead} closed`);
    expect(a.requests.some(({ target }) => target === "/v1/y")).toBe(false);
  });

  test("a write that only some did says which", async () => {
    const a = await rest(ok);
    const b = await rest(({ method }, response) =>
      answerJson(response, method === "GET" ? 200 : 403, { errors: [{ detail: "db1 is the primary" }] }),
    );
    const mixed = several(`${a.host},${b.host}`).everywhere((one) => one.send("PUT", "x"));
    expect(await failure(mixed)).toBe(
      `REFUSED: not done on ${b.host}: db1 is the primary; done on ${a.host}`,
    );
  });
});
