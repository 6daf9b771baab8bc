import { writeFileSync } from "node:fs";
import { connect } from "node:net";
import { join } from "node:path";
import { eventually } from "../eventually.ts";
import { writeConfiguration } from "./configured-daemon.ts";
import { deadline } from "./deadline.ts";
import type { Host } from "./host.ts";
import { LabError } from "./lab-error.ts";
import type { Process } from "./process.ts";

/** A line of `show stat` by column name: pxname, svname, status, check_status, last_chk, scur, stot, … */
export type HaProxyStats = Readonly<Record<string, string>>;

/** A running HAProxy in master-worker mode. */
export class HaProxy {
  readonly host: Host;
  readonly process: Process;
  readonly #folder: string;

  /** @param configuration everything but the stats socket. Resolves once HAProxy listens; rejects with what it complains of. */
  static async start(host: Host, configuration: string): Promise<HaProxy> {
    const { folder, file } = writeConfiguration(host, "haproxy", (inside) =>
      withStatsSocket(inside, configuration),
    );
    const proxy = new HaProxy(host, folder, await host.spawn(["haproxy", "-W", "-db", "-f", file]));
    const { process } = proxy;
    await eventually(async () => process.hasExited || (await proxy.command("show info")), {
      what: `HAProxy on ${host.name}`,
    });
    if (process.hasExited) throw new LabError(`HAProxy on ${host.name} did not start:\n${process.output}`);
    return proxy;
  }

  private constructor(host: Host, folder: string, process: Process) {
    this.host = host;
    this.#folder = folder;
    this.process = process;
  }

  get socketPath(): string {
    return join(this.#folder, "stats.sock");
  }

  /** What HAProxy answers to a command on its stats socket, without the blank line at its end. */
  async command(text: string): Promise<string> {
    const { promise, resolve, reject } = Promise.withResolvers<string>();
    let answer = "";
    const socket = connect(this.socketPath, () => socket.write(`${text}\n`));
    socket.setEncoding("utf8");
    socket.on("data", (chunk: string) => {
      answer += chunk;
    });
    socket.on("end", () => resolve(answer.trimEnd()));
    socket.on("error", reject);
    return await deadline(promise, 5_000, `HAProxy on ${this.host.name}: ${text}`, () => socket.destroy());
  }

  /** Every frontend, backend and server with its figures. */
  async stats(): Promise<readonly HaProxyStats[]> {
    const [head = "", ...lines] = (await this.command("show stat")).split("\n");
    const columns = head.replace(/^# /, "").split(",");
    return lines.map((line) => {
      const values = splitCsv(line);
      // A result is marked while the next check is under way.
      return Object.fromEntries(columns.map((column, i) => [column, (values[i] ?? "").replace(/^\* /, "")]));
    });
  }

  /** The figures of one server, or of a whole (svname FRONTEND, BACKEND). */
  async statsOf(proxy: string, server: string): Promise<HaProxyStats> {
    const found = (await this.stats()).find((line) => line["pxname"] === proxy && line["svname"] === server);
    if (!found) throw new LabError(`HAProxy on ${this.host.name} has no ${proxy}/${server}`);
    return found;
  }

  /** Takes a new configuration without losing a connection; resolves once the new worker alone serves. */
  async reload(configuration: string): Promise<void> {
    const before = await this.#workerPid();
    writeFileSync(join(this.#folder, "haproxy.conf"), withStatsSocket(this.#folder, configuration));
    this.process.kill("SIGUSR2");
    // Both accept on the same socket until the old one has been told to stop.
    let inARow = 0;
    await eventually(
      async () => {
        inARow = (await this.#workerPid()) === before ? 0 : inARow + 1;
        return inARow >= 10;
      },
      { what: `HAProxy's reload on ${this.host.name}` },
    );
  }

  async stop(): Promise<void> {
    await this.process.terminate();
  }

  async #workerPid(): Promise<string> {
    return (await this.command("show info")).match(/^Pid: (\d+)$/m)?.[1] ?? "";
  }
}

/** A second section `global` only adds to the first. */
function withStatsSocket(folder: string, configuration: string): string {
  return `global\n  stats socket ${join(folder, "stats.sock")} mode 600 level admin expose-fd listeners\n\n${configuration}\n`;
}

/** Cells are quoted where they hold a comma, as last_chk may. */
function splitCsv(line: string): readonly string[] {
  return Array.from(line.matchAll(/(?:^|,)(?:"((?:[^"]|"")*)"|([^,]*))/g), ([, quoted, bare]) =>
    quoted === undefined ? (bare ?? "") : quoted.replaceAll('""', '"'),
  );
}
