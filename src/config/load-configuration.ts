/**
 * config/: the .cnf dialect, one schema per object type, secrets, persistence of runtime changes, my.cnf. It may import
 * topology/ and errors/. Its values are its own small types (values/), not zod's: everything comes as a line of text, and every
 * mistake is told with what would be right.
 *
 *   sluice.cnf, sluice.cnf.d/**.cnf ─┐
 *                                    ├─ parseCnf ─▶ sections ─▶ compileConfiguration ─▶ Configuration | problems
 *   <persistdir>/*.cnf (overrides) ──┘                              schema/, values/
 */
import { readCnfDirectory, readCnfTree } from "./cnf-files.ts";
import { compileConfiguration } from "./compile-configuration.ts";
import type { ConfigurationResult } from "./configuration.ts";
import type { FileAccess } from "./file-access.ts";
import { Findings } from "./findings.ts";
import { globalSetting } from "./global-setting.ts";
import type { Problem } from "./problem.ts";
import { SLUICE } from "./schema/sluice.ts";
import { fromCnf, type SourceSection } from "./source.ts";
import { type Environment, substituteVariables } from "./substitute-variables.ts";
import { flag } from "./values/choice.ts";

/** Sections as they were read: what a change at run time is applied to before everything is validated anew. */
interface ConfigurationSources {
  readonly sections: readonly SourceSection[];
  readonly problems: readonly Problem[];
}

/** Reads and validates the configuration that begins at `main`. Never throws. */
export function loadConfiguration(main: string, files: FileAccess, env: Environment): ConfigurationResult {
  const { sections, problems } = readSources(main, files, env);
  return compileConfiguration(sections, env, problems);
}

/** Reads `main`, its directory, and the persisted objects, unless [sluice] says not to. Never throws. */
export function readSources(main: string, files: FileAccess, env: Environment): ConfigurationSources {
  const { sections, problems } = readCnfTree(main, files);
  const fixed = fromCnf(sections, "file");
  const directory = persistedDirectory(substituteVariables(fixed, env, new Findings()));
  if (directory === undefined) return { sections: fixed, problems };
  const persisted = readCnfDirectory(directory, files);
  return {
    sections: [...fixed, ...fromCnf(persisted.sections, "persisted")],
    problems: [...problems, ...persisted.problems],
  };
}

function persistedDirectory(sections: readonly SourceSection[]): string | undefined {
  const isOff = (name: "persist_runtime_changes" | "load_persisted_configs") => {
    const parsed = flag().parse(globalSetting(sections, name) ?? SLUICE.common[name].default ?? "");
    return parsed.ok && !parsed.value;
  };
  if (isOff("persist_runtime_changes") || isOff("load_persisted_configs")) return undefined;
  return globalSetting(sections, "persistdir") ?? SLUICE.common.persistdir.default;
}
