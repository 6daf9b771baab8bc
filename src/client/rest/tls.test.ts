// https to the daemon, with certificates made for the test.
import { afterAll, beforeAll, expect, test } from "bun:test";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Certificate, issueCertificate } from "../../../test/lab/certificates.ts";
import { answerJson, RestServer } from "../../../test/support/rest-server.ts";
import { errorMessage } from "../../errors/sluice-error.ts";
import { Daemon } from "./daemon.ts";
import type { ClientTls } from "./exchange.ts";
import { type DaemonAddress, parseHosts } from "./route.ts";

const folder = mkdtempSync(join(tmpdir(), "sluice-rest-tls-"));
const servers: RestServer[] = [];
let good: Certificate;
let other: Certificate;
let expired: Certificate;

beforeAll(async () => {
  good = await issueCertificate(folder, "good", { names: ["127.0.0.1"] });
  other = await issueCertificate(folder, "other", { names: ["elsewhere.example"] });
  expired = await issueCertificate(folder, "expired", { names: ["127.0.0.1"], days: -1 });
});
afterAll(async () => {
  for (const server of servers) await server.stop();
  rmSync(folder, { recursive: true, force: true });
});

const pem = (path: string): string => readFileSync(path, "utf8");

async function listen(certificate: Certificate | undefined, clientCa?: string): Promise<string> {
  const tls = certificate && {
    key: pem(certificate.key),
    cert: pem(certificate.certificate),
    ...(clientCa !== undefined && { ca: clientCa, requestCert: true, rejectUnauthorized: true }),
  };
  const server = await RestServer.start(
    (_, response) => answerJson(response, 200, { data: [] }),
    tls === undefined ? {} : { tls },
  );
  servers.push(server);
  return server.host;
}

async function ask(host: string, tls: Partial<ClientTls>, secure = true): Promise<string> {
  const address = parseHosts(host, secure)[0] as DaemonAddress;
  const all = { ca: undefined, cert: undefined, key: undefined, verify: true, ...tls };
  const login = async () => ({ kind: "none" }) as const;
  const daemon = new Daemon(address, { tls: all, login, timeoutMs: 5000 });
  return await daemon.get("servers").then(() => "ok", errorMessage);
}

test("the certificate must be of a known authority, and of this host", async () => {
  const ca = pem(good.authority);
  const host = await listen(good);
  expect(await ask(host, { ca })).toBe("ok");
  expect(await ask(host, {})).toBe(
    `the certificate of ${host} is of no authority known here: name it with --tls-ca-cert FILE`,
  );
  expect(await ask(host, { verify: false })).toBe("ok");
  const wrong = await listen(other);
  expect(await ask(wrong, { ca })).toBe(
    `the certificate of ${wrong} names other hosts: use the name that it was made for`,
  );
  const old = await listen(expired);
  expect(await ask(old, { ca })).toBe(`the certificate of ${old} has expired`);
});

test("a client certificate where one is wanted", async () => {
  const ca = pem(good.authority);
  const host = await listen(good, ca);
  expect(await ask(host, { ca })).toBe(
    `${host} wants a client certificate: --tls-cert FILE and --tls-key FILE`,
  );
  expect(await ask(host, { ca, cert: pem(other.certificate), key: pem(other.key) })).toBe("ok");
  expect(await ask(host, { ca, cert: "no PEM", key: "no PEM" })).toStartWith(
    "--tls-ca-cert, --tls-cert or --tls-key is no PEM file that can be used",
  );
});

test("one side speaks TLS and the other does not", async () => {
  const plain = await listen(undefined);
  expect(await ask(plain, {})).toBe(`${plain} does not speak TLS: leave out --secure and https://`);
  const secure = await listen(good);
  expect(await ask(secure, {}, false)).toBe(
    `${secure} closed the connection without an answer: if it speaks TLS, add --secure`,
  );
});
