import { writeConfiguration } from "./configured-daemon.ts";
import type { Host } from "./host.ts";
import type { Process } from "./process.ts";

/** Starts keepalived and resolves once it is up; its output tells each change of state. host.hasAddress() tells who is master. */
export async function startKeepalived(host: Host, configuration: string): Promise<Process> {
  const { file } = writeConfiguration(host, "keepalived", () => `${configuration}\n`);
  const process = await host.spawn([
    "keepalived",
    "--dont-fork",
    "--log-console",
    "--log-detail",
    "--use-file",
    file,
  ]);
  await process.waitForOutput(/Startup complete/);
  return process;
}
