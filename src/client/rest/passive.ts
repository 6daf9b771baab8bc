import type { Daemon } from "./daemon.ts";

/** Has a Sluice or MaxScale change nothing of its cluster by itself, or lets it. Resolves when it has acknowledged. */
export async function setPassive(daemon: Daemon, passive: boolean): Promise<void> {
  await daemon.send("PATCH", "maxscale", { data: { attributes: { parameters: { passive } } } });
}
