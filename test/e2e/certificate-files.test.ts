import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { renameSync } from "node:fs";
import { eventually } from "../eventually.ts";
import { FleetDaemon } from "../lab/fleet-daemon.ts";
import type { Host } from "../lab/host.ts";
import { Lab } from "../lab/lab.ts";
import { runSluice } from "../lab/sluice.ts";

// Certificate files of a running daemon: what is wrong with them, until when they are valid, and new ones in their place.

setDefaultTimeout(60_000);

const CERTS = "/etc/certs";
const CONFIGURATION = `
[db1]
type=server
address=127.0.0.1
port=9
ssl=true
ssl_ca=${CERTS}/ca-cert.pem

[rw]
type=service
router=readwritesplit
servers=db1
user=app
password=secret

[rw-listener]
type=listener
service=rw
port=4006
ssl=true
ssl_cert=${CERTS}/server-cert.pem
ssl_key=${CERTS}/server-key.pem
`;
const DAY_MS = 24 * 60 * 60 * 1000;

let lab: Lab;
let host: Host;
let daemon: FleetDaemon;

beforeAll(async () => {
  lab = await Lab.create({ name: "certfiles" });
  host = await lab.host("proxy");
  await runSluice(host, ["certs", "init", "--dir", CERTS]);
  await runSluice(host, ["certs", "server", "proxy", "--days", "20", "--dir", CERTS]);
  await runSluice(host, ["certs", "server", "proxy", "--days", "90", "--out", "next", "--dir", CERTS]);
  daemon = await FleetDaemon.start(host, CONFIGURATION);
}, 60_000);

afterAll(async () => {
  await lab.destroy();
});

/** Seconds that each file has left, by the metrics. */
async function secondsLeft(): Promise<Record<string, number>> {
  const { body } = await daemon.rest("/metrics");
  const lines = body.matchAll(/^sluice_certificate_expiry_seconds\{(.+)\} (\S+)$/gm);
  return Object.fromEntries([...lines].map(([, labels = "", value]) => [labels, Number(value)]));
}

test("config check reads them, and says what is wrong where", async () => {
  const check = async (from: string, to: string) => {
    host.write("/etc/other.cnf", CONFIGURATION.replace(from, to));
    return await runSluice(host, ["config", "check", "/etc/other.cnf"], { mayFail: true });
  };
  expect(await check("", "")).toMatchObject({ code: 0 });
  const mixed = await check(`${CERTS}/server-key.pem`, `${CERTS}/next-key.pem`);
  expect(mixed.code).toBe(2);
  expect(mixed.stderr).toContain(
    `/etc/other.cnf:22: [rw-listener] ssl_key=${CERTS}/next-key.pem: it is not the key of the certificate ${CERTS}/server-cert.pem`,
  );
  const gone = await check(`${CERTS}/ca-cert.pem`, `${CERTS}/gone.pem`);
  expect(gone.stderr).toContain(`[db1] ssl_ca: there is no file ${CERTS}/gone.pem`);
});

test("a certificate that ends within 30 days is told at the start, in the log and as an event", async () => {
  expect(daemon.process.output).toMatch(
    /warning: .*\[rw-listener\] ssl_cert: .*server-cert.pem: CN=proxy expires on/,
  );
  await daemon.process.waitForOutput(
    /rw-listener: the certificate .*server-cert.pem expires on \S+, in 19 days/,
  );
  const events = await eventually(async () => {
    const found = await daemon.eventsAfter(0);
    return found.length > 0 && found;
  });
  expect(events.map(({ server, event }) => `${server} ${event}`)).toEqual([
    "rw-listener certificate_expires",
  ]);
  const { stdout } = await daemon.command("list", "events", "--event", "certificate_expires");
  expect(stdout).toContain("rw-listener");
});

test("until when each is valid: metrics, list listeners, REST", async () => {
  const left = await secondsLeft();
  const listener = `kind="listener",name="rw-listener",file="${CERTS}/server-cert.pem"`;
  expect(Object.keys(left).sort()).toEqual([
    listener,
    `kind="server",name="db1",file="${CERTS}/ca-cert.pem"`,
  ]);
  expect(Math.ceil(((left[listener] ?? 0) * 1000) / DAY_MS)).toBe(20);
  const until = new Date(Date.now() + (left[listener] ?? 0) * 1000).toISOString().slice(0, 10);
  expect((await daemon.command("list", "listeners")).stdout).toContain(` ${until} `);
  const { body } = await daemon.rest("/v1/listeners/rw-listener");
  expect(JSON.parse(body).data.attributes.certificates).toEqual([
    { file: `${CERTS}/server-cert.pem`, expires: expect.stringContaining(until) },
  ]);
  // Keys go to the workers and nowhere else.
  expect(body + daemon.process.output).not.toContain("BEGIN");
});

test("new files are taken into use: at once on a reload, and by themselves", async () => {
  const days = async (): Promise<number> => {
    const entries = Object.entries(await secondsLeft());
    const [, seconds = 0] = entries.find(([labels]) => labels.includes("rw-listener")) ?? [];
    return Math.ceil((seconds * 1000) / DAY_MS);
  };
  const swap = (): void => {
    for (const what of ["cert", "key"]) {
      renameSync(host.path(`${CERTS}/server-${what}.pem`), host.path(`${CERTS}/spare-${what}.pem`));
      renameSync(host.path(`${CERTS}/next-${what}.pem`), host.path(`${CERTS}/server-${what}.pem`));
      renameSync(host.path(`${CERTS}/spare-${what}.pem`), host.path(`${CERTS}/next-${what}.pem`));
    }
  };
  swap();
  expect((await daemon.command("reload")).code).toBe(0);
  expect(await days()).toBe(90);
  swap();
  await eventually(async () => (await days()) === 20, { within: 30_000, what: "the files to be looked at" });
  await daemon.process.waitForOutput(/rw-listener: new certificates count for new connections/);
});

test("a change that names a key of another certificate is refused as a whole", async () => {
  const { code, stderr } = await daemon.command(
    "alter",
    "listener",
    "rw-listener",
    `ssl_key=${CERTS}/next-key.pem`,
  );
  expect(code).not.toBe(0);
  expect(stderr).toContain("it is not the key of the certificate");
});
