import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "bun:test";
import { copyFileSync, rmSync } from "node:fs";
import { FakeClock } from "../../../test/support/fake-clock.ts";
import { MadeCertificates } from "../../../test/support/made-certificates.ts";
import { memoryFiles } from "../../../test/support/memory-files.ts";
import { RecordingLog } from "../../../test/support/recording-log.ts";
import type { Configuration } from "../../config/configuration.ts";
import { REAL_FILES } from "../../config/file-access.ts";
import { loadConfiguration } from "../../config/load-configuration.ts";
import { DAY_MS } from "../../config/tls/certificate.ts";
import type { TlsMaterials } from "../../topology/tls-material.ts";
import { CertificateWatch } from "./certificate-watch.ts";

let made: MadeCertificates;
let clock: FakeClock;
let log: RecordingLog;
let watch: CertificateWatch;
let told: TlsMaterials[];
let expiring: string[];

beforeAll(() => {
  made = new MadeCertificates();
  made.issue("old", "/CN=old");
  made.issue("new", "/CN=new", { days: 60 });
});
afterAll(() => made.remove());

beforeEach(() => {
  use("old");
  clock = new FakeClock(Date.now());
  log = new RecordingLog();
  told = [];
  expiring = [];
  const loaded = configuration();
  watch = new CertificateWatch({
    files: REAL_FILES,
    clock,
    log,
    configuration: () => loaded,
    onChange: (materials) => told.push(materials),
    onExpiring: (_, sentence) => expiring.push(sentence.replaceAll(`${made.folder}/`, "@")),
  });
});
afterEach(() => watch.stop());

function use(name: string, what: readonly string[] = ["crt", "key"]): void {
  for (const kind of what) {
    rmSync(made.path(`used.${kind}`), { force: true });
    copyFileSync(made.path(`${name}.${kind}`), made.path(`used.${kind}`));
  }
}

function configuration(): Configuration {
  const lines = [
    "[db1]\ntype=server\naddress=db1\nssl=true\nssl_ca=@ca.crt",
    "[db2]\ntype=server\naddress=db2",
    "[s]\ntype=service\nrouter=readwritesplit\nservers=db1,db2\nuser=u\npassword=p",
    "[l]\ntype=listener\nservice=s\nport=4006\nssl=true\nssl_cert=@used.crt\nssl_key=@used.key",
  ];
  const text = lines.join("\n").replace(/=@/g, `=${made.folder}/`);
  const result = loadConfiguration("/s.cnf", memoryFiles({ "/s.cnf": text }), {});
  if (!result.ok) throw new Error("the configuration is wrong");
  return result.configuration;
}

const shownNow = (): unknown => {
  const material = watch.materials.listeners["l"];
  return material !== undefined && "cert" in material ? material.cert : material;
};

const LOOK_MS = 10_000;

test("tells the workers texts of those who speak TLS, once", () => {
  watch.refresh();
  watch.refresh();
  expect(told).toHaveLength(1);
  expect(Object.keys(watch.materials.listeners)).toEqual(["l"]);
  expect(Object.keys(watch.materials.servers)).toEqual(["db1"]);
  expect(shownNow()).toBe(made.text("old.crt"));
  expect(log.lines.filter(({ level }) => level !== "warn")).toEqual([]);
});

test("takes new files into use by itself, also where they are replaced one after the other", () => {
  watch.refresh();
  watch.start();
  use("new", ["crt"]);
  clock.advance(LOOK_MS);
  expect(shownNow()).toBe(made.text("old.crt"));
  use("new", ["key"]);
  clock.advance(LOOK_MS);
  expect(shownNow()).toBe(made.text("new.crt"));
  expect(told).toHaveLength(2);
  expect(log.lines.filter(({ level }) => level === "error")).toEqual([]);
  expect(log.lines.at(-1)?.message).toContain("new certificates count for new connections");
});

test("goes on with the old ones where the new cannot be used, and says so once", () => {
  watch.refresh();
  watch.start();
  use("new", ["key"]);
  clock.advance(10 * LOOK_MS);
  expect(shownNow()).toBe(made.text("old.crt"));
  const errors = log.lines.filter(({ level }) => level === "error");
  expect(errors).toHaveLength(1);
  expect(errors[0]?.message).toContain("it is not the key of the certificate");
  expect(errors[0]?.message).toContain("those in use go on");
  use("new");
  clock.advance(LOOK_MS);
  expect(shownNow()).toBe(made.text("new.crt"));
});

test("what cannot be used from the start is broken, not without TLS", () => {
  rmSync(made.path("used.key"));
  watch.refresh();
  expect(shownNow()).toEqual({ broken: expect.stringContaining("ssl_key: there is no file") });
  use("old");
  watch.refresh();
  expect(shownNow()).toBe(made.text("old.crt"));
});

test("warns once a day from 30 days before", () => {
  use("new");
  const warnings = (): readonly string[] => {
    watch.refresh();
    return expiring.filter((sentence) => sentence.startsWith("l:"));
  };
  clock.advance(29 * DAY_MS);
  expect(warnings()).toEqual([]);
  clock.advance(2 * DAY_MS);
  expect(warnings()).toEqual([
    expect.stringMatching(/^l: the certificate @used.crt expires on [-\d]+, in 28 days$/),
  ]);
  expect(warnings()).toHaveLength(1);
  clock.advance(DAY_MS);
  expect(warnings()).toHaveLength(2);
  clock.advance(31 * DAY_MS);
  expect(warnings().at(-1)).toMatch(/ expired on [-\d]+$/);
});

test("knows until when each file is valid", () => {
  watch.refresh();
  expect(watch.certificates.map(({ kind, name, file }) => [kind, name, file])).toEqual([
    ["listener", "l", made.path("used.crt")],
    ["server", "db1", made.path("ca.crt")],
  ]);
  for (const { endsAt } of watch.certificates) expect(Math.round((endsAt - clock.now()) / DAY_MS)).toBe(90);
});
