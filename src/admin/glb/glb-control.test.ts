import { afterAll, afterEach, describe, expect, test } from "bun:test";
import { existsSync, lstatSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { eventually } from "../../../test/eventually.ts";
import { exchange, RawClient } from "../../../test/support/raw-client.ts";
import { RecordingLog } from "../../../test/support/recording-log.ts";
import { TemporaryFolders } from "../../../test/support/temporary-folders.ts";
import { parseCnf } from "../../config/cnf-parser.ts";
import { compileConfiguration } from "../../config/compile-configuration.ts";
import type { Configuration } from "../../config/configuration.ts";
import type { Edit } from "../../config/edit-sections.ts";
import { editSections } from "../../config/edit-sections.ts";
import { formatProblem } from "../../config/problem.ts";
import { fromCnf, type SourceSection } from "../../config/source.ts";
import { SYSTEM_CLOCK } from "../../telemetry/clock.ts";
import { GlbControl } from "./glb-control.ts";
import type { GlbHost, ServiceUsage } from "./glb-host.ts";

const BASE = `
[db1]
type=server
address=10.0.0.1
port=3306

[db2]
type=server
address=10.0.0.2
port=3306
weight=2

[fleet]
type=monitor
module=portmon
servers=db1,db2

[listener]
type=listener
service=app
port=4006
`;
const OWN_SERVERS = `${BASE}\n[app]\ntype=service\nrouter=readconnroute\nservers=db1,db2\n`;
const FOLLOWS = `${BASE}\n[app]\ntype=service\nrouter=readconnroute\ncluster=fleet\n`;

const USAGE: ServiceUsage = {
  balance: "least-connections",
  servers: [],
  current: 3,
  most: 493,
  total: 10,
  bytesIn: 100,
  bytesOut: 200,
  reads: 7,
};

/** The configuration of a text, and what is done to it. */
class FakeHost implements GlbHost {
  readonly left: string[] = [];
  #sections: readonly SourceSection[];
  #configuration: Configuration;

  constructor(text: string) {
    this.#sections = fromCnf(parseCnf("test.cnf", text).sections, "file");
    this.#configuration = compiled(this.#sections);
  }

  configuration(): Configuration {
    return this.#configuration;
  }

  async usage(): Promise<ServiceUsage> {
    return USAGE;
  }

  async edit(make: (configuration: Configuration) => readonly Edit[]): Promise<void> {
    const { sections } = editSections(this.#sections, this.#configuration, make(this.#configuration));
    this.#configuration = compiled(sections);
    this.#sections = sections;
  }

  leaveServer(_service: string, server: string): void {
    this.left.push(server);
  }

  /** `db1 10.0.0.1:3306 1` of each server, and what monitor and service name. */
  get picture() {
    const { servers, monitors, services } = this.#configuration;
    return {
      servers: [...servers.values()].map(
        ({ name, parameters: p }) => `${name} ${p.address}:${p.port} ${p.weight}`,
      ),
      monitor: monitors.get("fleet")?.parameters.servers.join(","),
      service: services.get("app")?.parameters.servers?.join(","),
    };
  }
}

function compiled(sections: readonly SourceSection[]): Configuration {
  const result = compileConfiguration(sections, {});
  if (!result.ok) throw new Error(result.problems.map(formatProblem).join("\n"));
  return result.configuration;
}

/** What is wrong with the service when it has these parameters, too. */
function problemsOf(parameters: string): string {
  const { sections } = parseCnf("test.cnf", `${OWN_SERVERS}${parameters}`);
  const result = compileConfiguration(fromCnf(sections, "file"), {});
  return result.ok ? "" : result.problems.map(formatProblem).join("\n");
}

const open: GlbControl[] = [];
const folders = new TemporaryFolders();
const folder = folders.make();
let log = new RecordingLog();

afterEach(async () => {
  await Promise.all(open.splice(0).map((control) => control.close()));
  log = new RecordingLog();
});
afterAll(() => folders.remove());

async function start(text: string, more: { onlyFrom?: readonly string[]; fifo?: string } = {}) {
  const host = new FakeHost(text);
  const options = {
    service: "app",
    listen: { host: "127.0.0.1", port: 0 },
    onlyFrom: more.onlyFrom,
    fifo: more.fifo,
  };
  const control = new GlbControl(options, host, SYSTEM_CLOCK, log);
  await control.start();
  open.push(control);
  const target = { host: "127.0.0.1", port: control.port ?? 0 };
  return { host, target, ask: async (command: string) => await exchange(target, `${command}\n`) };
}

describe("answers", () => {
  test("getinfo and getstat, by their beginning and in any case", async () => {
    const { ask } = await start(OWN_SERVERS);
    expect(await ask("getinfo")).toContain("Destinations: 0, total connections: 3 of 493 max\n");
    expect(await ask("GETSTATS")).toMatch(
      /^in: 100 out: 200 recv: 300 \/ 7 send: 300 \/ 7 conns: 10 \/ 3 poll: /,
    );
    expect(await ask("getstat")).toMatch(
      /^in: 0 out: 0 recv: 0 \/ 0 send: 0 \/ 0 conns: 0 \/ 3 poll: 0 \/ 0 \/ 0 /,
    );
  });

  test.each(["bogus", "", "10.0.0.9:3306:-1", "10.0.0.1:99999", "10.0.0.1:3306:x"])(
    "%p: Error",
    async (command) => {
      const { ask, host } = await start(OWN_SERVERS);
      const before = host.picture;
      expect(await ask(command)).toBe("Error\n");
      expect(host.picture).toEqual(before);
    },
  );

  test("without the end of a line, in pieces, and after a half-close", async () => {
    const { target } = await start(OWN_SERVERS);
    expect(await exchange(target, "getinfo")).toContain("Router:");
    const slow = await RawClient.open(target);
    slow.send("get");
    slow.send("info\n");
    expect(await slow.untilEnd()).toContain("Router:");
    const closing = await RawClient.open(target);
    closing.socket.end("getinfo");
    expect(await closing.untilEnd()).toContain("Router:");
  });

  test("a line that never ends is an error", async () => {
    const { target } = await start(OWN_SERVERS);
    expect(await exchange(target, "a".repeat(5000))).toBe("Error\n");
  });

  test("whoever is not allowed gets none", async () => {
    const { target } = await start(OWN_SERVERS, { onlyFrom: ["10.0.0.0/8"] });
    expect(await exchange(target, "getinfo\n")).toBe("");
  });
});

describe.each([
  ["with servers of its own", OWN_SERVERS],
  ["that follows a monitor", FOLLOWS],
])("a service %s", (_, text) => {
  const isFollowing = text === FOLLOWS;

  test("a server is added, weighed, drained and removed", async () => {
    const { ask, host } = await start(text);
    expect(await ask("10.0.0.3:3307:0.5")).toBe("Ok\n");
    expect(host.picture).toEqual({
      servers: ["db1 10.0.0.1:3306 1", "db2 10.0.0.2:3306 2", "10.0.0.3-3307 10.0.0.3:3307 0.5"],
      monitor: "db1,db2,10.0.0.3-3307",
      service: isFollowing ? undefined : "db1,db2,10.0.0.3-3307",
    });
    expect(await ask("10.0.0.3:3307")).toBe("Ok\n");
    expect(host.picture.servers[2]).toBe("10.0.0.3-3307 10.0.0.3:3307 1");
    expect(await ask("10.0.0.2:3306:0")).toBe("Ok\n");
    expect(host.picture.servers[1]).toBe("db2 10.0.0.2:3306 0");
    expect(host.left).toEqual([]);
    expect(await ask("10.0.0.2:3306:-1")).toBe("Ok\n");
    expect(host.left).toEqual(["db2"]);
    expect(host.picture).toEqual({
      servers: ["db1 10.0.0.1:3306 1", "10.0.0.3-3307 10.0.0.3:3307 1"],
      monitor: "db1,10.0.0.3-3307",
      service: isFollowing ? undefined : "db1,10.0.0.3-3307",
    });
  });

  test("the last one goes, and another comes", async () => {
    const { ask, host } = await start(text);
    expect(await ask("10.0.0.1:3306:-1")).toBe("Ok\n");
    expect(await ask("10.0.0.2:3306:-1")).toBe("Ok\n");
    expect(host.picture.servers).toEqual([]);
    expect(await ask("10.0.0.4")).toBe("Ok\n");
    expect(host.picture).toMatchObject({
      servers: ["10.0.0.4-4006 10.0.0.4:4006 1"],
      monitor: "10.0.0.4-4006",
    });
  });

  test("many at once: none is lost", async () => {
    const { ask, host } = await start(text);
    const answers = await Promise.all(
      Array.from({ length: 20 }, async (_each, i) => await ask(`10.0.1.${i}:3306`)),
    );
    expect(new Set(answers)).toEqual(new Set(["Ok\n"]));
    expect(host.picture.servers).toHaveLength(22);
  });
});

test("a server that others use leaves the service, and stays", async () => {
  const other = "\n[other]\ntype=service\nrouter=readconnroute\nservers=db2\n";
  const { ask, host } = await start(`${OWN_SERVERS}${other}`);
  expect(await ask("10.0.0.2:3306:-1")).toBe("Ok\n");
  expect(host.picture).toMatchObject({ monitor: "db1,db2", service: "db1" });
  expect(await ask("10.0.0.2:3306:3")).toBe("Ok\n");
  expect(host.picture).toMatchObject({ monitor: "db1,db2", service: "db1,db2" });
  expect(host.picture.servers[1]).toBe("db2 10.0.0.2:3306 3");
});

test("a name and its address are the same server", async () => {
  const { ask, host } = await start(OWN_SERVERS.replace("address=10.0.0.1", "address=127.0.0.1"));
  expect(await ask("localhost:3306:5")).toBe("Ok\n");
  expect(host.picture.servers).toEqual(["db1 127.0.0.1:3306 5", "db2 10.0.0.2:3306 2"]);
});

describe("the FIFO", () => {
  test("takes changes, is for its owner only, and goes with the program", async () => {
    const fifo = join(folder, "one.fifo");
    const { host } = await start(OWN_SERVERS, { fifo });
    expect(lstatSync(fifo).isFIFO() && (lstatSync(fifo).mode & 0o777) === 0o600).toBe(true);
    writeFileSync(fifo, "bogus\n10.0.0.3:3306:4\n10.0.0.1:3306:0\n");
    await eventually(() => host.picture.servers.includes("db1 10.0.0.1:3306 0"));
    expect(host.picture.servers).toContain("10.0.0.3-3306 10.0.0.3:3306 4");
    await open.pop()?.close();
    expect(existsSync(fifo)).toBe(false);
  });

  test("of a program that was killed is taken over; of one that lives, not", async () => {
    const fifo = join(folder, "two.fifo");
    Bun.spawnSync(["mkfifo", fifo]);
    await start(OWN_SERVERS, { fifo });
    await expect(start(OWN_SERVERS, { fifo })).rejects.toThrow("another program reads the FIFO");
    writeFileSync(join(folder, "file"), "");
    await expect(start(OWN_SERVERS, { fifo: join(folder, "file") })).rejects.toThrow("is no FIFO");
  });
});

test("a control socket beyond this host wants to know for whom", () => {
  expect(problemsOf("control=8011\n")).toBe("");
  expect(problemsOf("control=0.0.0.0:8011\n")).toContain("add control_only_from");
  expect(problemsOf("control=0.0.0.0:8011\ncontrol_only_from=10.0.0.0/8\n")).toBe("");
});

test("members are not found by trying ports", () => {
  const monitor = "\n[other]\ntype=monitor\nmodule=portmon\ndiscover=true\n";
  expect(problemsOf(monitor)).toContain("add watchdog, or use module=galeramon");
  expect(problemsOf(`${monitor}watchdog=/bin/check\n`)).toBe("");
});
