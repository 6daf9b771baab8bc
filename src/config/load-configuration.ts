/**
 * config/: the .cnf dialect, one schema per object type, secrets, persistence of runtime changes, my.cnf. It may import
 * topology/ and errors/. Its values are its own small types (values/), not zod's: everything comes as a line of text, and every
 * mistake is told with what would be right.
 *
 *   sluice.cnf, sluice.cnf.d/**.cnf ─┐
 *                                    ├─ parseCnf ─▶ sections ─▶ compileConfiguration ─▶ Configuration | problems
 *   <persistdir>/*.cnf (overrides) ──┘                              schema/, values/
 */
import { readCnfTree } from "./cnf-files.ts";
import { compileConfiguration } from "./compile-configuration.ts";
import type { ConfigurationResult } from "./configuration.ts";
import type { FileAccess } from "./file-access.ts";
import { fromCnf } from "./source.ts";
import type { Environment } from "./substitute-variables.ts";

/** Reads and validates the configuration that begins at `main`. Never throws. */
export function loadConfiguration(main: string, files: FileAccess, env: Environment): ConfigurationResult {
  const { sections, problems } = readCnfTree(main, files);
  return compileConfiguration(fromCnf(sections, "file"), env, problems);
}
