import { z } from "zod";
import type { Daemon } from "./daemon.ts";

const FLAG = z.object({
  data: z.object({ attributes: z.object({ parameters: z.object({ passive: z.boolean() }) }) }),
});

/** Whether a Sluice or MaxScale changes nothing of its cluster by itself. */
export function passiveFlag(daemon: Daemon) {
  return {
    name: daemon.name,
    async get(): Promise<boolean> {
      return FLAG.parse(await daemon.get("maxscale")).data.attributes.parameters.passive;
    },
    /** Resolves when it has acknowledged. */
    async set(passive: boolean): Promise<void> {
      await daemon.send("PATCH", "maxscale", { data: { attributes: { parameters: { passive } } } });
    },
  };
}
