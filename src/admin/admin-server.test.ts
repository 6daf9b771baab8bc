import { afterEach, describe, expect, test } from "bun:test";
import { execFileSync } from "node:child_process";
import { copyFileSync, existsSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { join } from "node:path";
import { connect as connectTls } from "node:tls";
import { eventually } from "../../test/eventually.ts";
import { AdminFixture } from "../../test/support/admin-fixture.ts";
import { exchange, RawClient } from "../../test/support/raw-client.ts";
import type { ServerTlsFiles } from "../publish/tcp/server-tls.ts";
import { adminOptions, type TcpOptions } from "./admin-server.ts";

let fixture: AdminFixture;
afterEach(() => fixture.close());

async function start(change?: ConstructorParameters<typeof AdminFixture>[0]): Promise<AdminFixture> {
  fixture = await AdminFixture.started(change);
  return fixture;
}

const tcp = () => ({ host: "127.0.0.1", port: fixture.server.port ?? 0 });

const ANY_VERSION = { minVersion: undefined, maxVersion: undefined } as const;

describe("who is let in", () => {
  test("over TCP an account is needed, over the unix socket none", async () => {
    await start();
    const refused = await fixture.remote("GET", "/v1/servers");
    expect([refused.status, refused.headers["www-authenticate"]]).toEqual([
      401,
      'Basic realm="sluice", charset="UTF-8"',
    ]);
    expect(refused.json).toEqual({
      errors: [
        { code: "LOGIN_FAILED", detail: "an account is needed: send its name and password, or a token" },
      ],
    });
    expect(
      (await fixture.remote("GET", "/v1/servers", { auth: `admin:${fixture.firstPassword}` })).status,
    ).toBe(200);
    expect((await fixture.remote("GET", "/v1/servers", { auth: "admin:wrong" })).status).toBe(401);
    expect((await fixture.local("GET", "/v1/servers")).status).toBe(200);
    expect((await fixture.remote("GET", "/healthz")).text).toBe("ok\n");
    for (const path of ["/", "/v1", "/metrics", "/openapi.json", "/v1/nothing"]) {
      expect([path, (await fixture.remote("GET", path)).status]).toEqual([
        path,
        path === "/v1/nothing" ? 404 : 401,
      ]);
    }
  });

  test("a basic account reads and does not write", async () => {
    await start();
    const attributes = { password: "long enough", account: "basic" };
    await fixture.local("POST", "/v1/users/inet", { body: { data: { id: "reader", attributes } } });
    const auth = "reader:long enough";
    expect((await fixture.remote("GET", "/v1/servers", { auth })).status).toBe(200);
    const refused = await fixture.remote("PUT", "/v1/servers/db1/set?state=drain", { auth });
    expect([refused.status, refused.json.errors[0].detail]).toEqual([
      401,
      "reader may only read; changes need an admin account",
    ]);
    const command = "/v1/maxscale/modules/mariadbmon/switchover?m";
    expect((await fixture.remote("POST", command, { auth })).status).toBe(401);
    expect(fixture.control.calls).toEqual([]);
  });

  test("a token from /v1/auth works as header and as cookie, and not as long as one likes", async () => {
    await start();
    const auth = `admin:${fixture.firstPassword}`;
    const given = await fixture.remote("GET", "/v1/auth?persist=yes&max-age=60", { auth });
    const { token } = given.json.meta;
    expect(given.headers["set-cookie"]).toEqual([
      `token_sig=${token}; Path=/; Max-Age=60; SameSite=Strict; HttpOnly`,
    ]);
    const headers = { authorization: `Bearer ${token}` };
    expect((await fixture.remote("PUT", "/v1/servers/db1/set?state=drain", { headers })).status).toBe(204);
    const cookie = `token_sig=${token}`;
    expect((await fixture.remote("GET", "/v1/servers", { headers: { cookie } })).status).toBe(200);
    const plain = await fixture.remote("GET", "/v1/auth?max-age=999999999", { auth });
    const claims = JSON.parse(Buffer.from(plain.json.meta.token.split(".")[1], "base64url").toString());
    expect([claims.exp - claims.iat, plain.headers["set-cookie"]]).toEqual([86_400, undefined]);
    expect((await fixture.local("GET", "/v1/auth")).status).toBe(403);
    await fixture.local("POST", "/v1/maxscale/tls/reload");
    expect((await fixture.remote("GET", "/v1/servers", { headers })).status).toBe(401);
  });

  test("failed logins end in 429 with Retry-After", async () => {
    await start();
    for (let i = 0; i < 6; i++) await fixture.remote("GET", "/v1/", { auth: "admin:wrong" });
    const refused = await fixture.remote("GET", "/v1/", { auth: `admin:${fixture.firstPassword}` });
    expect([refused.status, refused.headers["retry-after"]]).toEqual([429, "1"]);
  });

  test("admin_auth=false lets everybody in", async () => {
    await start({ tcpChanges: { asksForAccount: false } });
    expect((await fixture.remote("PUT", "/v1/servers/db1/set?state=drain")).status).toBe(204);
  });
});

describe("the unix socket", () => {
  test("is for owner and group, and gone afterwards", async () => {
    await start();
    const found = statSync(fixture.socketPath);
    expect([found.mode & 0o777, found.gid]).toEqual([0o660, process.getgid?.() ?? -1]);
    await fixture.server.close();
    expect(existsSync(fixture.socketPath)).toBe(false);
  });

  test("is all there is with admin_enabled=false", async () => {
    await start({ tcp: undefined });
    expect([fixture.server.port, (await fixture.local("GET", "/v1/")).status]).toEqual([undefined, 200]);
  });
});

describe("where it listens", () => {
  const made = (changes: Partial<TcpOptions>) => () =>
    new AdminFixture({ tcpChanges: { host: "0.0.0.0", ...changes } });

  test("not beyond this host without TLS, unless told so", () => {
    fixture = new AdminFixture();
    expect(made({})).toThrow(/0\.0\.0\.0:0 without TLS.*admin_ssl_cert.*admin_insecure=true/);
    for (const host of ["::", "10.0.0.1", "127.example.com"]) expect(made({ host })).toThrow(/without TLS/);
    for (const host of ["127.0.0.1", "127.9.9.9", "::1", "localhost"]) expect(made({ host })).not.toThrow();
    expect(made({ isInsecureAllowed: true })).not.toThrow();
  });

  test("a port that is taken is told, and nothing is left behind", async () => {
    const first = await start();
    const second = new AdminFixture({ tcpChanges: { port: first.server.port ?? 0 } });
    await expect(second.server.start()).rejects.toMatchObject({ code: "ADDRESS_IN_USE" });
    expect(existsSync(second.socketPath)).toBe(false);
    await second.close();
  });

  test("as [sluice] says", () => {
    fixture = new AdminFixture({
      fleet:
        "[sluice]\nadmin_host=::1\nadmin_port=9000\ndatadir=/d\nadmin_ssl_key=/k\nadmin_ssl_cert=/c\nadmin_ssl_version=TLSv13\n",
    });
    expect(
      adminOptions(fixture.control.configuration().sluice, {
        socket: "/r/admin.sock",
        stateDirectory: "/d",
        gid: 7,
      }),
    ).toEqual({
      tcp: {
        host: "::1",
        port: 9000,
        tls: { key: "/k", cert: "/c", ca: undefined, minVersion: "TLSv1.3", maxVersion: "TLSv1.3" },
        asksForAccount: true,
        isInsecureAllowed: false,
      },
      socket: { path: "/r/admin.sock", mode: 0o660, gid: 7 },
      accountsFile: "/d/accounts.json",
    });
  });
});

describe("TLS", () => {
  function issue(directory: string, name: string) {
    const path = join(directory, name);
    const key = [
      "-newkey",
      "ec",
      "-pkeyopt",
      "ec_paramgen_curve:prime256v1",
      "-nodes",
      "-keyout",
      `${path}.key`,
    ];
    const names = ["-subj", `/CN=${name}`, "-addext", "subjectAltName=IP:127.0.0.1"];
    execFileSync("openssl", ["req", "-x509", ...key, "-out", `${path}.crt`, "-days", "2", ...names], {
      stdio: "ignore",
    });
    return { key: `${path}.key`, cert: `${path}.crt` };
  }

  const startTls = (more: (directory: string) => Partial<ServerTlsFiles> = () => ({})) =>
    start((directory) => ({
      tcpChanges: {
        tls: { ...issue(directory, "first"), ca: undefined, ...ANY_VERSION, ...more(directory) },
      },
    }));

  /** The name in the certificate, and what is answered; or that there is no connection. */
  const ask = (options: object = {}) =>
    new Promise<string>((resolve) => {
      let text = "";
      const socket = connectTls({ ...tcp(), rejectUnauthorized: false, ...options }, () => {
        socket.write("GET /healthz HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
      });
      const name = () => socket.getPeerCertificate()?.subject?.CN;
      let shown: string | string[] | undefined;
      socket.on("secureConnect", () => {
        shown = name();
      });
      socket.on("data", (chunk: Buffer) => {
        text += chunk.toString();
      });
      socket.on("error", () => resolve("refused"));
      socket.on("close", () => resolve(text === "" ? "refused" : `${shown}: ${text.split("\r\n", 1)[0]}`));
    });

  test("answers, and takes a new certificate while connections last", async () => {
    const { directory } = await startTls();
    expect(await ask()).toBe("first: HTTP/1.1 200 OK");
    const next = issue(directory, "second");
    copyFileSync(next.key, join(directory, "first.key"));
    copyFileSync(next.cert, join(directory, "first.crt"));
    expect(await ask()).toBe("first: HTTP/1.1 200 OK");
    expect((await fixture.local("POST", "/v1/maxscale/tls/reload")).status).toBe(204);
    expect(await ask()).toBe("second: HTTP/1.1 200 OK");
    writeFileSync(join(directory, "first.crt"), "no certificate");
    const refused = await fixture.local("POST", "/v1/maxscale/tls/reload");
    expect([refused.status, refused.json.errors[0].code]).toEqual([400, "CONFIG_INVALID"]);
    expect(await ask()).toBe("second: HTTP/1.1 200 OK");
  });

  test("tells https links, and marks its cookie as secure", async () => {
    await startTls();
    const auth = `Basic ${Buffer.from(`admin:${fixture.firstPassword}`).toString("base64")}`;
    const reply = await fetch(`https://127.0.0.1:${fixture.server.port}/v1/auth?persist=yes`, {
      headers: { authorization: auth },
      tls: { rejectUnauthorized: false },
    });
    const { links } = (await reply.json()) as { links: { self: string } };
    expect(links.self).toStartWith("https://127.0.0.1:");
    expect(reply.headers.get("set-cookie")).toEndWith("; HttpOnly; Secure");
  });

  test("wants a certificate of admin_ssl_ca where that is set", async () => {
    await startTls((directory) => ({ ca: issue(directory, "client").cert }));
    const client = (name: string) => ({
      key: readFileSync(join(fixture.directory, `${name}.key`)),
      cert: readFileSync(join(fixture.directory, `${name}.crt`)),
    });
    expect(await ask()).toBe("refused");
    expect(await ask(client("first"))).toBe("refused");
    expect(await ask(client("client"))).toBe("first: HTTP/1.1 200 OK");
  });

  test("speaks the versions it was told to", async () => {
    await startTls(() => ({ minVersion: "TLSv1.3", maxVersion: "TLSv1.3" }));
    expect(await ask({ maxVersion: "TLSv1.2" })).toBe("refused");
    expect(await ask()).toBe("first: HTTP/1.1 200 OK");
  });

  test("plain HTTP is turned away", async () => {
    await startTls();
    expect(await exchange(tcp(), "GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n")).not.toContain("200");
  });

  test("files that cannot be used stop the start", () => {
    fixture = new AdminFixture();
    const tls = { key: "/nonexistent/key.pem", cert: "/nonexistent/cert.pem", ca: undefined, ...ANY_VERSION };
    expect(() => new AdminFixture({ tcpChanges: { tls } })).toThrow(
      /\/nonexistent\/key.pem.* cannot be used/,
    );
  });
});

describe("limits", () => {
  const limits = { maxConnections: 4, requestMs: 300, idleMs: 300 };
  const request = "GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n";

  test.each([
    ["says nothing", ""],
    ["never ends its header", "GET /healthz HTTP/1.1\r\nHost: a\r\n"],
    [
      "never ends its body",
      "POST /v1/servers HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: 9\r\n\r\n{",
    ],
    ["stays idle after its answer", request],
  ])("a client that %s is let go", async (_what, bytes) => {
    await start({ limits });
    const client = await RawClient.open(tcp());
    client.send(bytes);
    await client.untilEnd();
  });

  test("TLS that is never begun ends, too", async () => {
    await start({ limits, tcpChanges: {} });
    const silent = await RawClient.open({ path: fixture.socketPath });
    await silent.untilEnd();
  });

  test("a connection may bring one request after the other", async () => {
    await start({ limits: { ...limits, requestMs: 10_000, idleMs: 10_000 } });
    const client = await RawClient.open(tcp());
    for (let i = 1; i <= 5; i++) {
      client.send(request);
      await eventually(() => client.received.split("200 OK").length - 1 === i);
    }
    client.close();
  });

  test("too many connections are turned away, and places become free again", async () => {
    await start({ limits: { ...limits, requestMs: 60_000 } });
    const held = await Promise.all([1, 2, 3, 4].map(() => RawClient.open(tcp())));
    await eventually(async () => (await exchange(tcp(), request)) === "");
    for (const client of held) client.close();
    await eventually(
      async () => (await fixture.remote("GET", "/healthz").catch(() => undefined))?.status === 200,
    );
  });

  test.each([
    [
      "a header of 20 kB",
      `GET / HTTP/1.1\r\nHost: a\r\nX: ${"x".repeat(20_000)}\r\n\r\n`,
      "431",
      "larger than 16 KiB",
    ],
    ["no HTTP", "\x16\x03\x01\r\n\r\n", "400", "not HTTP/1.1"],
    [
      "a path that cannot be decoded",
      "GET /v1/servers/%zz HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
      "400",
      "cannot be decoded",
    ],
    [
      "a name of 2,000 letters",
      `GET /v1/servers/${"x".repeat(2000)} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n`,
      "404",
      "a name that long",
    ],
    [
      "a body of 2 MB",
      `POST /v1/servers HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Type: application/json\r\nContent-Length: 2000000\r\n\r\n${" ".repeat(2_000_000)}`,
      "413",
      "larger than 1 MiB",
    ],
    ["a method nobody knows", "NONSENSE / HTTP/1.1\r\nHost: a\r\n\r\n", "400", "not HTTP/1.1"],
  ])("%s is refused in JSON:API's shape", async (_what, bytes, status, words) => {
    await start();
    const answer = await exchange({ path: fixture.socketPath }, bytes);
    expect(answer).toStartWith(`HTTP/1.1 ${status} `);
    expect(JSON.parse(answer.slice(answer.indexOf("\r\n\r\n"))).errors[0].detail).toContain(words);
  });

  test.each([
    ["no JSON", "{]", {}, 400, "the body is not JSON"],
    ["another type", "a=b", { "content-type": "text/plain" }, 415, "expected Content-Type: application/json"],
    ["no body", "", {}, 400, "the request needs a JSON body"],
    ["__proto__", '{"__proto__":{}}', {}, 400, "__proto__"],
    ["a body that is a list", "[1]", {}, 400, "the body: "],
    ["no name", '{"data":{}}', {}, 400, "data.id: the name is missing"],
    [
      "wrong types",
      '{"data":{"id":1,"attributes":[],"relationships":{"a":{"data":3}}}}',
      {},
      400,
      "data.id: ",
    ],
  ])("a body with %s", async (_what, body, headers, status, words) => {
    await start();
    const reply = await fixture.local("POST", "/v1/servers", { body, headers });
    expect([reply.status, reply.json.errors[0].detail]).toEqual([status, expect.stringContaining(words)]);
  });
});

test("a follower of the events that does not read is let go", async () => {
  await start();
  const socket = connect(fixture.socketPath);
  socket.on("error", () => {});
  socket.pause();
  socket.write("GET /v1/events/stream HTTP/1.1\r\nHost: a\r\n\r\n");
  await eventually(() => fixture.control.subscribers === 1);
  const cause = { code: "PROBE_REFUSED", sentence: "x".repeat(10_000) } as const;
  await eventually(() => {
    for (let i = 0; i < 10; i++) fixture.control.emit({ cause });
    return fixture.control.subscribers === 0;
  });
  socket.destroy();
});

test("closing lets answers under way end, and does not wait for others", async () => {
  await start();
  const idle = await RawClient.open(tcp());
  const follower = await RawClient.open({ path: fixture.socketPath });
  follower.send("GET /v1/events/stream HTTP/1.1\r\nHost: a\r\n\r\n");
  await follower.untilReceived("events of the fleet");
  const target = tcp();
  const started = performance.now();
  await fixture.server.close();
  expect(performance.now() - started).toBeLessThan(5000);
  await idle.untilEnd();
  await follower.untilEnd();
  const late = await RawClient.open(target);
  await late.untilEnd();
  expect(late.errorCode).toBe("ECONNREFUSED");
});
