import { spawn, spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { eventually } from "../../test/eventually.ts";
import type { Stage, Status, Watched } from "./stage.ts";

const SLUICE = new URL("../../dist/sluice", import.meta.url).pathname;

/** One local mariadbd on a free port: for machines without root or without Galera. */
export async function localStage(): Promise<Stage> {
  const folder = mkdtempSync(join(tmpdir(), "sluice-demo-"));
  const port = await freePort();
  const healthPort = await freePort();
  const server = new LocalServer(folder, port);
  const agentFlags = [
    "--name",
    "local",
    "--socket",
    server.socket,
    "--user",
    "root",
    "--http-port",
    String(healthPort),
    "--listen",
    "127.0.0.1",
  ];
  const state = ["--runtime-dir", join(folder, "run"), "--state-dir", join(folder, "state")];
  const close = async (): Promise<void> => {
    agent?.kill("SIGTERM");
    server.kill();
    rmSync(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 });
  };
  let agent: ReturnType<typeof spawn> | undefined;
  try {
    await server.start();
    agent = spawn(SLUICE, ["agent", ...agentFlags, ...state], { stdio: ["ignore", "ignore", "ignore"] });
  } catch (error) {
    await close();
    throw error;
  }
  const healthUrl = `http://127.0.0.1:${healthPort}/`;
  const status = async (): Promise<Status> => (await (await fetch(`${healthUrl}status`)).json()) as Status;
  const on: Watched = { name: "local", healthUrl, status };
  return {
    description: `one mariadbd on port ${port}`,
    watched: [on],
    acts: [
      {
        title: "hangs (SIGSTOP)",
        on,
        expected: ["PROBE_QUERY_TIMEOUT", "PROBE_LOGIN_TIMEOUT"],
        run: async () => server.signal("SIGSTOP"),
      },
      {
        title: "goes on (SIGCONT)",
        on,
        expected: ["STANDALONE_HEALTHY"],
        run: async () => server.signal("SIGCONT"),
      },
      {
        title: "dies (kill -9)",
        on,
        expected: ["PROBE_REFUSED", "PROBE_SOCKET_MISSING", "PROBE_CONNECTION_LOST"],
        run: async () => server.kill(),
      },
      { title: "comes back", on, expected: ["STANDALONE_HEALTHY"], run: () => server.start() },
    ],
    suggestions: [`curl -i ${healthUrl}`, `curl -s ${healthUrl}status`],
    close,
  };
}

class LocalServer {
  readonly #folder: string;
  readonly #port: number;
  #process: ReturnType<typeof spawn> | undefined;

  constructor(folder: string, port: number) {
    this.#folder = folder;
    this.#port = port;
    mkdirSync(join(folder, "data"));
    const user = process.getuid?.() === 0 ? ["--user=mysql"] : [];
    const install = [
      "--no-defaults",
      `--datadir=${join(folder, "data")}`,
      "--auth-root-authentication-method=normal",
      "--skip-test-db",
    ];
    const made = spawnSync("mariadb-install-db", [...install, ...user], {
      encoding: "utf8",
      timeout: 60_000,
    });
    if (made.status !== 0)
      throw new Error(`mariadb-install-db failed: ${made.stderr || made.error?.message}`);
    if (user.length > 0) spawnSync("chown", ["-R", "mysql:", folder]);
    writeFileSync(join(folder, "log"), "");
  }

  get socket(): string {
    return join(this.#folder, "mysqld.sock");
  }

  async start(): Promise<void> {
    const paths = [
      `--datadir=${join(this.#folder, "data")}`,
      `--socket=${this.socket}`,
      `--pid-file=${join(this.#folder, "pid")}`,
    ];
    const user = process.getuid?.() === 0 ? ["--user=mysql"] : [];
    const argv = [
      "--no-defaults",
      ...paths,
      `--port=${this.#port}`,
      "--bind-address=127.0.0.1",
      "--innodb-buffer-pool-size=32M",
      ...user,
    ];
    this.#process = spawn("mariadbd", argv, { stdio: "ignore" });
    const isAnswering = (): boolean =>
      spawnSync("mariadb-admin", ["-uroot", `--socket=${this.socket}`, "ping"], { timeout: 5000 }).status ===
      0;
    await eventually(isAnswering, { within: 30_000, every: 200, what: "the start of mariadbd" });
  }

  signal(signal: NodeJS.Signals): void {
    this.#process?.kill(signal);
  }

  kill(): void {
    this.signal("SIGKILL");
  }
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (address === null || typeof address === "string") throw new Error("no free port");
  return address.port;
}
