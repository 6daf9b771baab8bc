import { mkdirSync } from "node:fs";
import { join } from "node:path";
import type { Host } from "./host.ts";
import { run } from "./run.ts";

/** Sizes that a datadir is made with and its server must keep. */
export const LOG_FILE_SIZE = "8M";

const templates = new Map<string, Promise<string>>();

/**
 * Gives a server a fresh datadir: root without a password on the socket, nobody else. The first one of a lab is installed,
 * the others are copies of it.
 * @param source a datadir to copy instead
 */
export async function makeDatadir(host: Host, datadir: string, source?: string): Promise<void> {
  await run(["cp", "-a", "--", source ?? (await templateOf(host)), datadir]);
}

async function templateOf(host: Host): Promise<string> {
  let template = templates.get(host.labFolder);
  if (!template) {
    template = install(host, join(host.labFolder, "template-datadir"));
    templates.set(host.labFolder, template);
  }
  return await template;
}

async function install(host: Host, datadir: string): Promise<string> {
  mkdirSync(datadir);
  // Accounts of no name match before those meant (a login from db1 would be ''@db1).
  const accounts = "DELETE FROM mysql.global_priv WHERE User = '' OR User = 'root' AND Host <> 'localhost';";
  host.write("/run/accounts.sql", accounts);
  const options = [
    "--user=mysql",
    `--datadir=${datadir}`,
    "--auth-root-authentication-method=normal",
    "--skip-test-db",
    // The host's own: names of temporary files are made of process ids, and another lab's host has the same ones.
    "--tmpdir=/var/tmp",
  ];
  const speed = [`--innodb-log-file-size=${LOG_FILE_SIZE}`, "--innodb-flush-method=nosync"];
  await host.run(
    ["mariadb-install-db", "--no-defaults", "--extra-file=/run/accounts.sql", ...options, ...speed],
    { timeoutMs: 60_000 },
  );
  return datadir;
}
