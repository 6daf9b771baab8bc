import { readFileSync } from "node:fs";
import { eventually } from "../eventually.ts";
import { writeConfiguration } from "./configured-daemon.ts";
import type { Host } from "./host.ts";
import { LabError } from "./lab-error.ts";
import type { Process } from "./process.ts";

/**
 * Starts xinetd and resolves once it listens on the ports.
 * @param configuration sections `service NAME` (the brace on a line of its own), and `defaults` where xinetd's limits do not suit
 */
export async function startXinetd(
  host: Host,
  configuration: string,
  ports: readonly number[],
): Promise<Process> {
  const { folder, file } = writeConfiguration(host, "xinetd", () => `${configuration}\n`);
  const log = `${folder}/xinetd.log`;
  const process = await host.spawn([
    "xinetd",
    "-dontfork",
    "-f",
    file,
    "-pidfile",
    `${folder}/pid`,
    "-filelog",
    log,
  ]);
  const isStarted = (): boolean => process.hasExited || readFileSync(log, "utf8").includes("Started working");
  await eventually(isStarted, { what: `xinetd on ${host.name}` });
  const mistake = readFileSync(log, "utf8").match(/ERROR: .*/);
  if (mistake) throw new LabError(`xinetd on ${host.name}: ${mistake[0]}`); // it goes on without the service
  await host.untilListening(process, ports);
  return process;
}
