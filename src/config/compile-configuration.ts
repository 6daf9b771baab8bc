import { checkFleet } from "./check-fleet.ts";
import { checkObject } from "./check-objects.ts";
import { checkReferences } from "./check-references.ts";
import { compileObject } from "./compile-object.ts";
import type { Configuration, ConfigurationObject, ConfigurationResult } from "./configuration.ts";
import { Findings } from "./findings.ts";
import type { Problem } from "./problem.ts";
import { resolveSections } from "./resolve-sections.ts";
import { retireMaxadmin } from "./retire-maxadmin.ts";
import type { ObjectKind } from "./schema/schemas.ts";
import type { SourceSection } from "./source.ts";
import { type Environment, substituteVariables } from "./substitute-variables.ts";

/**
 * Validates all sections together and makes the configuration of them. Pure: reading files is load-configuration.ts.
 *
 *   sections ─▶ substituteVariables ─▶ resolveSections ─▶ compileObject, each ─▶ checks ─▶ Configuration, frozen
 *                                          └── every mistake, all the way, into Findings ──▶ problems
 *
 * @param earlier problems that reading the files has brought already
 */
export function compileConfiguration(
  sections: readonly SourceSection[],
  env: Environment,
  earlier: readonly Problem[] = [],
): ConfigurationResult {
  const findings = new Findings(earlier);
  const resolved = resolveSections(substituteVariables(sections, env, findings), findings);
  const live = withSluice(retireMaxadmin(resolved, findings));
  const objects = live.flatMap((section) => compileObject(section, findings) ?? []);
  checkReferences(objects, live, findings);
  const broken = new Set(findings.problems.map(({ section }) => section));
  for (const object of objects) checkObject(object, findings);
  // Values that did not parse are undefined: their objects take no part in what two objects may not share.
  const configuration = assemble(objects.filter(({ name, kind }) => kind === "sluice" || !broken.has(name)));
  if (!["sluice", "maxscale"].some((name) => broken.has(name))) checkFleet(configuration, findings);
  const { problems, warnings } = findings;
  return problems.length === 0 ? { ok: true, configuration, warnings } : { ok: false, problems, warnings };
}

/** A file without [sluice] has one with nothing but defaults. */
function withSluice(sections: ReturnType<typeof retireMaxadmin>): ReturnType<typeof retireMaxadmin> {
  if (sections.some(({ kind }) => kind === "sluice")) return sections;
  return [{ kind: "sluice", name: "sluice", at: undefined, origin: "file", parameters: [] }, ...sections];
}

function assemble(objects: readonly ConfigurationObject[]): Configuration {
  const [sluice] = ofKind(objects, "sluice").values();
  if (sluice === undefined) throw new Error("withSluice has put one in");
  return Object.freeze({
    sluice,
    servers: ofKind(objects, "server"),
    monitors: ofKind(objects, "monitor"),
    services: ofKind(objects, "service"),
    listeners: ofKind(objects, "listener"),
    publishers: ofKind(objects, "publisher"),
  });
}

function ofKind<K extends ObjectKind>(
  objects: readonly ConfigurationObject[],
  kind: K,
): ReadonlyMap<string, ConfigurationObject<K>> {
  const isKind = (object: ConfigurationObject): object is ConfigurationObject<K> & ConfigurationObject =>
    object.kind === kind;
  return new Map(objects.filter(isKind).map((object) => [object.name, object]));
}
