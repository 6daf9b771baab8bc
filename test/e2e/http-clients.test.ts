import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { eventually } from "../eventually.ts";
import { Agent, createAccount } from "../lab/agent.ts";
import type { Certificate } from "../lab/certificates.ts";
import type { Host } from "../lab/host.ts";
import { Lab } from "../lab/lab.ts";
import { type Replication, startReplication } from "../lab/replication.ts";
import type { RunResult } from "../lab/run.ts";

// The clients that operators have at hand, against the agents of a real primary and its replica: nc, curl and ab.

const TLS_PORT = 9443;
const GUARDED_PORT = 9444;
const CLOSED_PORT = 9445;
const WEB_PASSWORD = "another, for the web";
const TOKEN = "tokentokentoken";

let lab: Lab;
let client: Host;
let replication: Replication;
let certificate: Certificate;
/** The primary's agent, and the replica's. */
let primary: Agent;
let replica: Agent;

beforeAll(async () => {
  lab = await Lab.create({ name: "http-clients" });
  client = await lab.host("client");
  replication = await startReplication(lab, { replicas: 1 });
  const [source, follower] = replication.servers;
  if (source === undefined || follower === undefined) throw new Error("two servers were asked for");
  await createAccount(source);
  await replication.untilCaughtUp(follower);
  const { address, address6 } = source.host;
  certificate = await lab.certificate("agent", { names: [address, address6] });
  const tls = ["--https", "true", "--https-cert", certificate.certificate, "--https-key", certificate.key];
  source.host.write("/etc/sluice/web.password", `${WEB_PASSWORD}\n`, 0o600);
  source.host.write("/etc/sluice/web.token", `${TOKEN}\n`, 0o600);
  const files = [
    "--auth-password-file",
    "/etc/sluice/web.password",
    "--auth-token-file",
    "/etc/sluice/web.token",
  ];
  [primary, replica] = await Promise.all([
    Agent.start(source),
    Agent.start(follower, { flags: ["--monitor-interval", "200ms"] }),
    Agent.start(source, { port: TLS_PORT, flags: tls }),
    Agent.start(source, { port: GUARDED_PORT, flags: ["--auth-user", "web", ...files] }),
    Agent.start(source, { port: CLOSED_PORT, flags: ["--only-from", `${client.address},fd00::/128`] }),
  ]);
  await Promise.all([primary.says("STANDALONE_HEALTHY"), replica.says("REPLICA_HEALTHY")]);
  // The others of the primary's host: for each whoever may ask it.
  for (const asked of [
    ["-k", `https://${address}:${TLS_PORT}/`],
    [url("/", GUARDED_PORT)],
    [url("/", CLOSED_PORT)],
  ])
    await eventually(async () => (await curl(...asked)).startsWith("STANDALONE_HEALTHY"), {
      what: asked.join(" "),
    });
}, 120_000);

afterAll(async () => {
  await lab.destroy();
});

const url = (path = "/", port = 9200): string => `http://${primary.server.address}:${port}${path}`;

/** curl on another host; its exit code is 0. */
async function curl(...args: readonly string[]): Promise<string> {
  return (await client.run(["curl", "-sS", "--max-time", "5", ...args])).stdout;
}

/** The status and what else `-w` is asked for. */
async function written(format: string, ...args: readonly string[]): Promise<string> {
  return await curl("-o", "/dev/null", "-w", format, ...args);
}

/** TCP resets that a host has sent so far. */
async function resetsSent(host: Host): Promise<number> {
  const [names = "", values = ""] = (await host.run(["grep", "^Tcp:", "/proc/net/snmp"])).stdout.split("\n");
  return Number(values.split(" ")[names.split(" ").indexOf("OutRsts")]);
}

const YES =
  /^HTTP\/1\.1 200 OK\r\nContent-Type: text\/plain; charset=utf-8\r\nConnection: close\r\n[\s\S]*\r\n\r\nSTANDALONE_HEALTHY: .*\n$/;

describe("nc", () => {
  const nc = (...args: readonly string[]): string[] => ["nc", ...args, primary.server.address, "9200"];

  test("that connects and says nothing gets the answer", async () => {
    const silent = await client.spawn(nc(), { keepInputOpen: true });
    await silent.waitForOutput(YES);
    silent.closeInput();
    expect((await silent.ended()).code).toBe(0);
  });

  test("that closes its side without a word gets the answer", async () => {
    expect((await client.run(nc("-N"))).stdout).toMatch(YES);
  });

  test.each([
    ["HTTP/1.0", "GET / HTTP/1.0\r\n\r\n"],
    ["HTTP/1.0, typed by hand", "GET / HTTP/1.0\n\n"],
    ["HTTP/1.1 without a host", "GET / HTTP/1.1\r\nConnection: close\r\n\r\n"],
    ["HTTP/0.9", "GET /\r\n"],
  ])("that sends a request of %s gets the answer, whether it closes its side or not", async (_, stdin) => {
    expect((await client.run(nc(), { stdin })).stdout).toMatch(YES);
    expect((await client.run(nc("-N"), { stdin })).stdout).toMatch(YES);
  });

  test("-z finds the port open", async () => {
    await client.run(nc("-z"));
  });
});

describe("curl", () => {
  test("GET, HEAD, OPTIONS and POST are answered alike; other methods are told what there is", async () => {
    const status = (...args: readonly string[]): Promise<string> => written("%{http_code}", ...args, url());
    expect(await curl(url())).toStartWith("STANDALONE_HEALTHY: ");
    expect(await curl("--head", url())).toMatch(
      /^HTTP\/1\.1 200 OK\r\n[\s\S]*Content-Length: [1-9]\d*\r\n[\s\S]*\r\n\r\n$/,
    );
    expect(await status("-X", "OPTIONS")).toBe("200");
    expect(await status("--data", "x=1")).toBe("200");
    expect(await status("--data", "x=1", "-H", "Expect: 100-continue")).toBe("200");
    expect(await status("--data", "x=1", "-H", "Transfer-Encoding: chunked")).toBe("200");
    expect(await status("--http1.0")).toBe("200");
    expect(await curl("-i", "-X", "DELETE", url())).toMatch(
      /^HTTP\/1\.1 405 [\s\S]*\r\nAllow: GET, HEAD, OPTIONS, POST\r\n/,
    );
  });

  test("keeps its connection through every method, and loses it when it asks for that", async () => {
    const format = "%{http_code} %{num_connects}\n";
    const asks = [[url()], ["--head", url()], ["--data", "x=1", url()], ["-X", "OPTIONS", url("/primary")]];
    const args = asks.flatMap((ask) => ["--next", "-sS", "-o", "/dev/null", "-w", format, ...ask]);
    expect(await curl(...args.slice(1))).toBe("200 1\n200 0\n200 0\n200 0\n");
    const close = ["-H", "Connection: close", "-o", "/dev/null", "-w", format];
    expect(await curl(...close, url(), "-o", "/dev/null", url())).toBe("200 1\n200 1\n");
  });

  test("the paths of a primary and of a replica", async () => {
    const ofPrimary = { "/": 200, "/any/thing": 200, "/primary": 200, "/read-write": 200, "/read-only": 200 };
    const neither = { "/synced": 503, "/donor": 503, "/replica?lag=soon": 400, "/primary?server=other": 400 };
    const rest = { "/liveness": 200, "/readiness": 200, "/status": 200, "/metrics": 200 };
    const found = async (agent: Agent, paths: Readonly<Record<string, number>>) => {
      const targets = Object.keys(paths).map((path) => [path, `http://${agent.server.address}:9200${path}`]);
      const answers = targets.map(async ([path, target = ""]) => [
        path,
        Number(await written("%{http_code}", target)),
      ]);
      return Object.fromEntries(await Promise.all(answers));
    };
    const primaryPaths = { ...ofPrimary, ...neither, ...rest, "/replica": 503, "/replica?lag=5s": 503 };
    expect(await found(primary, primaryPaths)).toEqual(primaryPaths);
    const asReplica = { "/primary": 503, "/read-write": 503, "/replica": 200, "/replica?lag=5s": 200 };
    const replicaPaths = { ...ofPrimary, ...neither, ...rest, ...asReplica };
    expect(await found(replica, replicaPaths)).toEqual(replicaPaths);
  });

  test("/replica?lag= follows the lag of a replica that holds back what it got", async () => {
    const [source, follower] = [primary.server, replica.server];
    await follower.sql("STOP SLAVE; CHANGE MASTER TO MASTER_DELAY=3600; START SLAVE");
    await source.sql("CREATE DATABASE held_back");
    const ask = async (lag: string): Promise<string> =>
      await curl("-w", "%{http_code}", `http://${follower.address}:9200/replica?lag=${lag}`);
    // Until the replica has started again and gets something, it is stopped, or as far as it was.
    const late = /^REPLICA_LAGGING: the replica is \d+ s behind; at most 1 s were asked for\n503$/;
    await eventually(async () => late.test(await ask("1s")), { what: "more than a second behind" });
    expect(await ask("10min")).toMatch(/^REPLICA_HEALTHY: .*\n200$/);
    await follower.sql("STOP SLAVE; CHANGE MASTER TO MASTER_DELAY=0; START SLAVE");
    await eventually(async () => (await ask("1s")).endsWith("200"), { what: "caught up" });
  }, 30_000);

  test("IPv6", async () => {
    expect(await curl("-g", `http://[${primary.server.host.address6}]:9200/`)).toStartWith(
      "STANDALONE_HEALTHY: ",
    );
  });

  test("TLS, by both families, checked against the authority; kept alive", async () => {
    const { address, host } = primary.server;
    const trusting = ["-g", "--cacert", certificate.authority];
    const format = "%{http_code} %{num_connects} %{ssl_verify_result}\n";
    const target = `https://${address}:${TLS_PORT}/`;
    const twice = ["-w", format, "-o", "/dev/null", target, "-o", "/dev/null", target];
    expect(await curl(...trusting, ...twice)).toBe("200 1 0\n200 0 0\n");
    expect(await curl(...trusting, `https://[${host.address6}]:${TLS_PORT}/primary`)).toStartWith(
      "STANDALONE_HEALTHY: ",
    );
    for (const version of ["--tlsv1.2", "--tlsv1.3"]) {
      expect(
        await written("%{http_code}", ...trusting, version, "--tls-max", version.slice(-3), target),
      ).toBe("200");
    }
  });

  test("TLS to the plain port and plain HTTP to the TLS port end soon, in an error", async () => {
    const fails = async (target: string) =>
      await client.run(["curl", "-sS", "-k", "--max-time", "8", target], { mayFail: true });
    const [tls, plain] = await Promise.all([
      fails(`https://${primary.server.address}:9200/`),
      fails(url("/", TLS_PORT)),
    ]);
    expect([tls.code, plain.code]).not.toContain(0);
    expect([tls.code, plain.code]).not.toContain(28); // curl's own deadline
    expect(tls.stderr).toContain("SSL routines"); // wrong version number: HTTP answered
  });

  test("basic and bearer authentication guard the details, not the verdict", async () => {
    const guarded = (...args: readonly string[]): Promise<string> =>
      written("%{http_code}", ...args, url("/status", GUARDED_PORT));
    expect(await curl("-i", url("/status", GUARDED_PORT))).toMatch(
      /^HTTP\/1\.1 401 [\s\S]*\r\nWWW-Authenticate: Basic realm="sluice"\r\n/,
    );
    expect(await guarded("-u", `web:${WEB_PASSWORD}`)).toBe("200");
    expect(await guarded("--anyauth", "-u", `web:${WEB_PASSWORD}`)).toBe("200");
    expect(await guarded("-u", "web:wrong")).toBe("401");
    expect(await guarded("-u", `other:${WEB_PASSWORD}`)).toBe("401");
    expect(await guarded("--oauth2-bearer", TOKEN)).toBe("200");
    expect(await guarded("--oauth2-bearer", "wrong")).toBe("401");
    expect(await written("%{http_code}", url("/metrics", GUARDED_PORT))).toBe("401");
    expect(await written("%{http_code}", url("/primary", GUARDED_PORT))).toBe("200");
  });
});

test("who is not in only_from gets no answer, by whatever it asks", async () => {
  const { host, address } = primary.server;
  expect(await curl(url("/primary", CLOSED_PORT))).toStartWith("STANDALONE_HEALTHY");
  const port = `${CLOSED_PORT}`;
  for (const [stranger, target] of [
    [replica.server.host, address],
    [host, "127.0.0.1"],
    [client, host.address6],
  ] as const) {
    const [asking, silent] = await Promise.all([
      stranger.run(["nc", "-N", "-w", "5", target, port], { stdin: "GET / HTTP/1.0\r\n\r\n", mayFail: true }),
      stranger.run(["nc", "-d", "-w", "5", target, port], { mayFail: true }),
    ]);
    expect([target, asking.stdout, silent.stdout]).toEqual([target, "", ""]);
  }
  expect(await curl(url("/primary", CLOSED_PORT))).toStartWith("STANDALONE_HEALTHY");
});

describe("ab: no failed request, and not one reset from the server", () => {
  test.each([
    ["a connection for each request", [], 9200],
    ["kept connections", ["-k"], 9200],
    ["HEAD", ["-i"], 9200],
  ])(
    "%s",
    async (_, flags, port) => {
      const report = await ab(["-n", "2000", "-c", "50", ...flags, url("/", port)]);
      expect(report).not.toContain("Non-2xx responses");
      if (flags.includes("-k")) expect(report).toMatch(/^Keep-Alive requests: +2000$/m);
    },
    40_000,
  );

  test("over TLS", async () => {
    const target = `https://${primary.server.address}:${TLS_PORT}/`;
    expect(await ab(["-n", "500", "-c", "50", target], 500)).not.toContain("Non-2xx responses");
  }, 40_000);

  test("a server that is out says no to each", async () => {
    await primary.command(["maintenance", "on"]);
    await primary.says("MAINTENANCE");
    expect(await ab(["-n", "2000", "-c", "50", url()])).toMatch(/^Non-2xx responses: +2000$/m);
    await primary.command(["maintenance", "off"]);
    await primary.says("STANDALONE_HEALTHY");
  }, 40_000);
});

/** Runs ab, which ends in failure at the first reset it sees; returns its report. */
async function ab(args: readonly string[], requests = 2000): Promise<string> {
  const { host } = primary.server;
  const before = await resetsSent(host);
  const { stdout }: RunResult = await client.run(["ab", "-q", ...args], { timeoutMs: 30_000 });
  expect(stdout).toMatch(new RegExp(`^Complete requests: +${requests}$`, "m"));
  expect(stdout).toMatch(/^Failed requests: +0$/m);
  expect((await resetsSent(host)) - before).toBe(0);
  return stdout;
}
