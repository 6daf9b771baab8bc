import { chmodSync, mkdtempSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Host } from "./host.ts";

/** A new folder on the host for one daemon's files, and in it the configuration that `text` makes for that folder. */
export function writeConfiguration(
  host: Host,
  name: string,
  text: (folder: string) => string,
): { folder: string; file: string } {
  const folder = mkdtempSync(join(host.folder, `${name}-`));
  chmodSync(folder, 0o755); // daemons drop their privileges
  const file = join(folder, `${name}.conf`);
  writeFileSync(file, text(folder));
  return { folder, file };
}
