import { existsSync, mkdirSync, rmSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Host } from "./host.ts";
import { LabError } from "./lab-error.ts";
import type { Launch, Process } from "./process.ts";
import type { RunOptions, RunResult } from "./run.ts";

/** The built executable: what users run is what is tested. */
export function sluicePath(): string {
  const path = fileURLToPath(new URL("../../dist/sluice", import.meta.url));
  if (!existsSync(path)) throw new LabError(`${path} is missing; build it with: npm run build`);
  return path;
}

/** A path under which the executable goes by another name, such as clustercheck. */
export function sluiceAs(host: Host, name: string): string {
  const folder = join(host.folder, "bin");
  const path = join(folder, name);
  mkdirSync(folder, { recursive: true });
  rmSync(path, { force: true });
  symlinkSync(sluicePath(), path);
  return path;
}

/** Runs one sluice command on a host to its end. */
export async function runSluice(
  host: Host,
  args: readonly string[],
  options: RunOptions & { readonly user?: string } = {},
): Promise<RunResult> {
  return await host.run([sluicePath(), ...args], options);
}

/** Starts a sluice that goes on running, and resolves once it listens on the ports. */
export async function startSluice(
  host: Host,
  args: readonly string[],
  { ports = [], ...launch }: Launch & { readonly ports?: readonly number[]; readonly user?: string } = {},
): Promise<Process> {
  const process = await host.spawn([sluicePath(), ...args], launch);
  await host.untilListening(process, ports);
  return process;
}
