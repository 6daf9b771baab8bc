import { afterEach, describe, expect, test } from "bun:test";
import { spawn } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { readCnfDirectory } from "./cnf-files.ts";
import { sectionOf } from "./cnf-writer.ts";
import type { Configuration } from "./configuration.ts";
import { REAL_FILES } from "./file-access.ts";
import { loadConfiguration } from "./load-configuration.ts";
import { Persistence } from "./persistence.ts";
import { formatProblem } from "./problem.ts";

const folders: string[] = [];
function folder(): string {
  const path = mkdtempSync(join(tmpdir(), "sluice-persist-"));
  folders.push(path);
  return path;
}
afterEach(() => {
  for (const path of folders.splice(0)) rmSync(path, { recursive: true });
});

function server(name: string, values: Readonly<Record<string, string>>) {
  const parameters = Object.entries({ type: "server", ...values });
  return { name, parameters: parameters.map(([key, value]) => ({ name: key, value, at: undefined })) };
}

describe("files", () => {
  test("one per object, mode 0600, whatever its name", async () => {
    const directory = join(folder(), "deep/sluice.cnf.d");
    const persistence = await Persistence.open(directory);
    await persistence.save(server("db1", { address: "a" }));
    await persistence.save(server("CLI Listener", { address: "b" }));
    await persistence.save(server("..", { address: "c" }));
    await persistence.save(server("x/../../y", { address: "d" }));
    await persistence.save(server("ü", { address: "e" }));
    expect(readdirSync(directory).sort()).toEqual([
      "%2E..cnf",
      "%C3%BC.cnf",
      "CLI%20Listener.cnf",
      "db1.cnf",
      "x%2F..%2F..%2Fy.cnf",
    ]);
    expect(statSync(join(directory, "db1.cnf")).mode & 0o777).toBe(0o600);
    expect(statSync(directory).mode & 0o777).toBe(0o700);
  });

  test("what a killed writer left is removed and never read", async () => {
    const directory = folder();
    writeFileSync(join(directory, ".db1.cnf.tmp"), "[db1\ntorn");
    writeFileSync(join(directory, "notes.txt"), "mine");
    expect(readCnfDirectory(directory, REAL_FILES)).toEqual({ sections: [], problems: [] });
    await Persistence.open(directory);
    expect(readdirSync(directory)).toEqual(["notes.txt"]);
  });

  test("writers wait for each other, and one failure is its caller's alone", async () => {
    const directory = folder();
    const persistence = await Persistence.open(directory);
    const saves = Array.from({ length: 50 }, (_, n) => persistence.save(server("db1", { address: `h${n}` })));
    const tooLong = persistence.save(server("x".repeat(300), { address: "a" }));
    await Promise.all(saves);
    expect(await tooLong.catch((error: Error) => error.message)).toContain("does not fit into a file name");
    expect(readFileSync(join(directory, "db1.cnf"), "utf8")).toContain("address=h49\n");
    rmSync(directory, { recursive: true });
    const failed = persistence.save(server("db1", { address: "gone" }));
    expect(await failed.catch((error: Error) => error.message)).toContain("cannot write");
    folders.pop();
  });
});

describe("persisted objects and the static file", () => {
  const STATIC = `[sluice]
threads = 2
passive = false
persistdir = DIRECTORY

[db1]
type = server
address = 10.0.0.1
port = 3307

[db2]
type = server
address = 10.0.0.2

[rw]
type = service
router = readwritesplit
user = u
`;

  function load(directory: string, text = STATIC): Configuration {
    const main = join(directory, "static.conf");
    writeFileSync(main, text.replace("DIRECTORY", directory));
    const result = loadConfiguration(main, REAL_FILES, {});
    if (!result.ok) throw new Error(result.problems.map(formatProblem).join("\n"));
    return result.configuration;
  }

  test("a change, a deletion and a new object survive; [sluice] is overridden parameter by parameter", async () => {
    const directory = folder();
    const persistence = await Persistence.open(directory);
    await persistence.save(server("db1", { address: "10.9.9.9" }));
    await persistence.saveDeleted("db2");
    await persistence.save(server("db3", { address: "10.0.0.3", monitorpw: ' "a # b' }));
    await persistence.save({
      name: "sluice",
      parameters: [{ name: "passive", value: "true", at: undefined }],
    });
    const { sluice, servers } = load(directory);
    expect([...servers.keys()]).toEqual(["db1", "db3"]);
    expect(servers.get("db1")).toMatchObject({
      origin: "persisted",
      parameters: { address: "10.9.9.9", port: 3306 },
    });
    expect(servers.get("db3")?.parameters.monitorpw?.reveal()).toBe(' "a # b');
    expect(sluice.parameters).toMatchObject({ threads: 2, passive: true });
    await persistence.forget("db2");
    await persistence.forget("db1");
    expect([...load(directory).servers.values()].map(({ parameters }) => parameters.address)).toEqual([
      "10.0.0.1",
      "10.0.0.2",
      "10.0.0.3",
    ]);
  });

  test("a file of MaxScale 2.1, which has no type, adds to the static object", () => {
    const directory = folder();
    writeFileSync(join(directory, "rw.cnf"), "[rw]\nservers=db1,db2\n");
    expect(load(directory).services.get("rw")?.parameters).toMatchObject({
      user: "u",
      servers: ["db1", "db2"],
    });
  });

  test.each(["persist_runtime_changes", "load_persisted_configs"])(
    "%s=false: the file alone",
    async (name) => {
      const directory = folder();
      const persistence = await Persistence.open(directory);
      await persistence.saveDeleted("db2");
      const text = STATIC.replace("[sluice]\n", `[sluice]\n${name} = false\n`);
      expect([...load(directory, text).servers.keys()]).toEqual(["db1", "db2"]);
    },
  );

  test("an object goes through its file unchanged", async () => {
    const directory = folder();
    const before = load(directory).services.get("rw");
    if (before === undefined) throw new Error("no service");
    const persistence = await Persistence.open(directory);
    await persistence.save(sectionOf(before));
    expect(load(directory).services.get("rw")?.parameters).toEqual(before.parameters);
  });
});

/**
 * A writer is killed -9 at 60 random moments. Afterwards each file is whole, and holds the last acknowledged write of its
 * object or the one that was under way.
 */
test("kill -9 at any moment tears nothing and loses nothing acknowledged", async () => {
  const directory = folder();
  const acknowledged = new Map<string, number>();
  let last = 0;
  for (let round = 0; round < 60; round += 1) {
    const pending = await killedWriter(directory, last, acknowledged, Math.random() * 25);
    last = Math.max(last, ...acknowledged.values(), pending?.n ?? 0);
    const { sections, problems } = readCnfDirectory(directory, REAL_FILES);
    expect(problems).toEqual([]);
    const found = new Map(sections.map((section) => [section.name, section.parameters]));
    for (const [name, n] of acknowledged) {
      const value = (key: string) => found.get(name)?.find((parameter) => parameter.name === key)?.value;
      const possible = [n, ...(pending?.name === name ? [pending.n] : [])];
      const states = possible.map((m) => (m % 7 === 0 ? undefined : `host-${m}`));
      expect(states).toContain(value("address") as string);
      // The last line of the file: a torn one would lack it.
      const written = Number((value("address") ?? "host-0").slice(5));
      expect(value("weight")).toBe(written === 0 ? undefined : String(written));
      // A write that was under way may have come to be; from now on it is what must stay.
      acknowledged.set(name, possible[states.lastIndexOf(value("address"))] ?? n);
    }
  }
  expect(last).toBeGreaterThan(60);
  await Persistence.open(directory);
  expect(readdirSync(directory).filter((name) => name.endsWith(".tmp"))).toEqual([]);
}, 120_000);

interface Pending {
  readonly name: string;
  readonly n: number;
}

/** Runs the writer until `afterMs` past its first acknowledgement, kills it, and returns the write that was under way. */
async function killedWriter(
  directory: string,
  from: number,
  acknowledged: Map<string, number>,
  afterMs: number,
): Promise<Pending | undefined> {
  const script = join(import.meta.dir, "../../test/support/persist-writer.ts");
  const child = spawn(process.execPath, ["run", script, directory, String(from)], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  let pending: Pending | undefined;
  let rest = "";
  let timer: ReturnType<typeof setTimeout> | undefined;
  child.stdout.setEncoding("utf8").on("data", (chunk: string) => {
    const lines = (rest + chunk).split("\n");
    rest = lines.pop() ?? "";
    for (const line of lines) {
      const [what, name = "", n = ""] = line.split(" ");
      if (what === "begin") pending = { name, n: Number(n) };
      else {
        acknowledged.set(name, Number(n));
        pending = undefined;
        timer ??= setTimeout(() => child.kill("SIGKILL"), afterMs);
      }
    }
  });
  await new Promise((resolve) => child.once("close", resolve));
  clearTimeout(timer);
  return pending;
}
