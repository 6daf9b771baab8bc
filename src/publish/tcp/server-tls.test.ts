// TLS on the health port, with certificates made for the test.
import { afterAll, afterEach, beforeAll, describe, expect, test } from "bun:test";
import { execFileSync } from "node:child_process";
import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { connect as connectPlain } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type ConnectionOptions, connect, type TLSSocket } from "node:tls";
import { eventually } from "../../../test/eventually.ts";
import { FakeClock } from "../../../test/support/fake-clock.ts";
import { aVerdict, FakeFleet, JUDGED_AT } from "../../../test/support/fake-fleet.ts";
import { exchange, RawClient } from "../../../test/support/raw-client.ts";
import { SILENT_LOG } from "../../telemetry/log.ts";
import { HTTP_DEFAULTS, HttpPublisher } from "../http/http-publisher.ts";
import type { ServerTlsFiles } from "./server-tls.ts";

let directory: string;
let clock: FakeClock;
let publisher: HttpPublisher | undefined;
const path = (name: string) => join(directory, name);

beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), "sluice-tls-"));
  for (const name of ["old", "new"]) {
    const files = ["-keyout", path(`${name}.key`), "-out", path(`${name}.crt`)];
    const key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"];
    execFileSync("openssl", ["req", "-x509", ...key, ...files, "-days", "2", "-subj", `/CN=${name}`], {
      stdio: "ignore",
    });
  }
});
afterAll(() => rmSync(directory, { recursive: true }));

function show(name: string): void {
  copyFileSync(path(`${name}.crt`), path("shown.crt"));
  copyFileSync(path(`${name}.key`), path("shown.key"));
}

async function start(more: Partial<ServerTlsFiles> = {}): Promise<HttpPublisher> {
  clock = new FakeClock(JUDGED_AT);
  const fleet = new FakeFleet({ db1: aVerdict({ staleAt: JUDGED_AT + 1e9 }) });
  const listen = { kind: "tcp", host: "::", port: 0 } as const;
  const tls = {
    cert: path("shown.crt"),
    key: path("shown.key"),
    ca: undefined,
    minVersion: undefined,
    maxVersion: undefined,
    ...more,
  };
  publisher = new HttpPublisher(
    { ...HTTP_DEFAULTS, name: "h", servers: ["db1"], listen, tls },
    fleet,
    clock,
    SILENT_LOG,
  );
  await publisher.start();
  return publisher;
}

afterEach(async () => {
  const closed = publisher?.close();
  clock.advance(1000);
  await closed;
});

const REQUEST = "GET / HTTP/1.1\r\nConnection: close\r\n\r\n";

/** Asks over TLS: the name in the certificate, and the answer. */
function ask(
  port: number,
  request = REQUEST,
  options: ConnectionOptions = {},
): Promise<{ name: string; answer: string }> {
  return new Promise((resolve, reject) => {
    let answer = "";
    let name = "";
    const socket: TLSSocket = connect(
      { port, host: "127.0.0.1", rejectUnauthorized: false, ...options },
      () => {
        name = String(socket.getPeerCertificate().subject.CN);
        socket.write(request);
      },
    );
    socket.on("data", (chunk) => {
      answer += chunk.toString();
    });
    socket.on("error", reject);
    socket.on("close", () => resolve({ name, answer }));
  });
}

describe("a listener with a certificate", () => {
  test("answers over TLS", async () => {
    show("old");
    const { port = 0 } = await start();
    const { name, answer } = await ask(port);
    expect(name).toBe("old");
    expect(answer).toEndWith("GALERA_SYNCED: the Galera node is synced\n");
  });

  test("shows the new certificate after a reload, and keeps the old one if the new is wrong", async () => {
    show("old");
    const started = await start();
    const port = started.port ?? 0;
    show("new");
    expect((await ask(port)).name).toBe("old");
    started.reload();
    expect((await ask(port)).name).toBe("new");
    copyFileSync(path("old.key"), path("shown.key"));
    expect(() => started.reload()).toThrow(/shown.crt with the key .*shown.key cannot be used/);
    writeFileSync(path("shown.crt"), "no certificate");
    expect(() => started.reload()).toThrow(/cannot be used/);
    expect((await ask(port)).name).toBe("new");
  });

  test("answers a client that says nothing, once the handshake is done", async () => {
    show("old");
    const { port = 0 } = await start();
    const asked = ask(port, "");
    await eventually(() => publisher?.phases.silent === 1, { what: "handshake done" });
    clock.advance(200);
    expect((await asked).answer).toStartWith("HTTP/1.1 200 OK\r\n");
  });

  test("closes on who speaks no TLS, and gives up a handshake after 5 s", async () => {
    show("old");
    const { port = 0 } = await start();
    expect(await exchange({ port, host: "127.0.0.1" }, "GET / HTTP/1.0\r\n\r\n")).not.toContain(
      "HTTP/1.1 200",
    );
    const mute = await RawClient.open({ port, host: "127.0.0.1" });
    await eventually(() => publisher?.phases.handshake === 1, { what: "shaking hands" });
    clock.advance(5000);
    expect(await mute.untilEnd()).toBe("");
    mute.close();
  });

  test("survives clients that reset during the handshake", async () => {
    show("old");
    const { port = 0 } = await start();
    for (let i = 0; i < 30; i++) {
      const socket = connectPlain({ port, host: "127.0.0.1" });
      await new Promise((resolve) => socket.once("connect", resolve));
      socket.write(Buffer.from([0x16, 3, 1, 2, 0]));
      socket.resetAndDestroy();
    }
    expect((await ask(port)).answer).toContain("GALERA_SYNCED");
  });

  test("wants a certificate of its authorities, and the versions it was told to speak", async () => {
    show("old");
    const { port = 0 } = await start({ ca: path("new.crt"), minVersion: "TLSv1.3" });
    const client = { cert: readFileSync(path("new.crt")), key: readFileSync(path("new.key")) };
    expect((await ask(port, REQUEST, client)).answer).toContain("GALERA_SYNCED");
    for (const options of [{}, { ...client, maxVersion: "TLSv1.2" } as const]) {
      const { answer } = await ask(port, REQUEST, options).catch(() => ({ answer: "refused" }));
      expect(["", "refused"]).toContain(answer);
    }
  });

  test("cannot be made of files that are not there", async () => {
    rmSync(path("shown.crt"), { force: true });
    await expect(start()).rejects.toThrow(/the certificate .*shown.crt .* cannot be used: ENOENT/);
  });
});
