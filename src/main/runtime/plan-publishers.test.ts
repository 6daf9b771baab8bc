// What publishers are made of: passwords, which may be encrypted as those of monitors may, and files that last.
import { afterEach, beforeEach, expect, test } from "bun:test";
import { eventually } from "../../../test/eventually.ts";
import { aVerdict } from "../../../test/support/fake-fleet.ts";
import { memoryFiles } from "../../../test/support/memory-files.ts";
import { exchange } from "../../../test/support/raw-client.ts";
import { answerJson, RestServer } from "../../../test/support/rest-server.ts";
import type { PublisherObject } from "../../config/configuration.ts";
import { loadConfiguration } from "../../config/load-configuration.ts";
import { Secret } from "../../config/secret.ts";
import { SecretKeys } from "../../config/secrets.ts";
import { FleetStore } from "../../monitor/fleet-store.ts";
import { HttpPublisher } from "../../publish/http/http-publisher.ts";
import type { Publisher } from "../../publish/publisher.ts";
import { SYSTEM_CLOCK } from "../../telemetry/clock.ts";
import { SILENT_LOG } from "../../telemetry/log.ts";
import { createPublisher } from "./plan-publishers.ts";

const keysOf = (digit: string) =>
  SecretKeys.load("/etc/sluice", memoryFiles({ "/etc/sluice/sluice.key": [digit.repeat(64), 0o400] }));
const KEYS = keysOf("a");
const encrypted = (password: string): string => KEYS.encrypt(new Secret(password));

let fleet: FleetStore;
let rest: RestServer;
let publisher: Publisher | undefined;

beforeEach(async () => {
  fleet = new FleetStore();
  putGoodVerdict();
  rest = await RestServer.start((_, response) => answerJson(response, 200, {}));
});
afterEach(async () => {
  delete process.env["RUNTIME_DIRECTORY"];
  await publisher?.close("exit");
  publisher = undefined;
  await rest.stop();
});

function putGoodVerdict(): void {
  const endpoint = { kind: "socket", path: "/run/db1" } as const;
  const now = Date.now();
  const verdict = aVerdict({ at: now, staleAt: now + 60_000 });
  fleet.put({ name: "db1", endpoint, verdict, admin: "none" });
}

/** The publisher of a section, on a free port. */
function create(lines: string, keys = KEYS): Publisher {
  const text = `[sluice]\npersist_runtime_changes=false\n[db1]\ntype=server\nsocket=/run/db1\n[tell]\ntype=publisher\nserver=db1\n${lines}\n`;
  const result = loadConfiguration("/etc/sluice.cnf", memoryFiles({ "/etc/sluice.cnf": text }), {});
  if (!result.ok) throw new Error(JSON.stringify(result.problems));
  const { configuration } = result;
  const object = configuration.publishers.get("tell");
  if (object === undefined) throw new Error("no publisher");
  const free = { ...object, parameters: { ...object.parameters, port: 0 } } as PublisherObject;
  return createPublisher(free, configuration, {
    fleet,
    clock: SYSTEM_CLOCK,
    log: SILENT_LOG,
    decrypt: (written) => keys.decrypt(written),
    actions: { hint: () => {}, explain: () => "", setAdmin: () => {} },
    metrics: async () => "",
  });
}

test("notify logs in with what its encrypted password means", async () => {
  publisher = create(`module=notify\nhosts=${rest.host}\nuser=keepalived\npassword=${encrypted("s3cret")}`);
  await publisher.start();
  putGoodVerdict();
  const [request] = await eventually(() => rest.requests.length > 0 && rest.requests);
  expect(request?.headers.authorization).toBe(`Basic ${btoa("keepalived:s3cret")}`);
});

test("http expects what its encrypted password and token mean", async () => {
  const [password, token] = [encrypted("s3cret"), encrypted("t0ken")];
  publisher = create(`module=http\nauth_user=balancer\nauth_password=${password}\nauth_token=${token}`);
  await publisher.start();
  const port = publisher instanceof HttpPublisher ? publisher.port : undefined;
  const ask = async (authorization: string) => {
    const head = `GET /status HTTP/1.0\r\nAuthorization: ${authorization}\r\n\r\n`;
    const answer = await exchange({ host: "127.0.0.1", port: port ?? 0 }, head);
    return Number(answer.split(" ")[1]);
  };
  expect(await ask(`Basic ${btoa("balancer:s3cret")}`)).toBe(200);
  expect(await ask("Bearer t0ken")).toBe(200);
  expect(await ask(`Basic ${btoa(`balancer:${password}`)}`)).toBe(401);
  expect(await ask(`Bearer ${token}`)).toBe(401);
});

test("a password of another key is refused by the publisher's name", () => {
  const lines = `module=notify\nhosts=${rest.host}\nuser=keepalived\npassword=${encrypted("s3cret")}`;
  expect(() => create(lines, keysOf("b"))).toThrow(
    "[tell] an encrypted password cannot be read: it is damaged, or was not encrypted with /etc/sluice/sluice.key",
  );
});

test("a track file in a directory that ends with the service is refused", () => {
  process.env["RUNTIME_DIRECTORY"] = "/run/sluice";
  expect(() => create("module=track-file\nfile=/run/sluice/track")).toThrow(
    "[tell] file=/run/sluice/track: systemd removes /run/sluice with the service",
  );
  expect(create("module=track-file\nfile=/run/sluice-track").module).toBe("track-file");
});
