import type { Findings } from "./findings.ts";
import type { ResolvedSection } from "./resolve-sections.ts";
import { MAXADMIN_PROTOCOLS, MAXADMIN_ROUTERS } from "./schema/retired.ts";

const REPLACED = "the maxadmin interface is gone, use the `sluice` commands or REST; the section is left out";

/** Old MaxScale files have a service and a listener for the maxadmin command: they are told of, and left out. */
export function retireMaxadmin(
  sections: readonly ResolvedSection[],
  findings: Findings,
): readonly ResolvedSection[] {
  const retired = new Set<string>();
  const leaveOut = (section: ResolvedSection, parameter: string, words: ReadonlySet<string>) => {
    const found = section.parameters.find(({ name }) => name === parameter);
    if (found === undefined || !words.has(found.value.toLowerCase())) return;
    retired.add(section.name);
    const key = `${parameter}=${found.value}`;
    findings.warn(key, { at: found.at, section: section.name, parameter: key }, REPLACED);
  };
  for (const section of sections) {
    if (section.kind === "service") leaveOut(section, "router", MAXADMIN_ROUTERS);
    if (section.kind === "listener") leaveOut(section, "protocol", MAXADMIN_PROTOCOLS);
  }
  return sections.filter((section) => !retired.has(section.name) && !listensFor(section, retired));
}

function listensFor(section: ResolvedSection, retired: ReadonlySet<string>): boolean {
  if (section.kind !== "listener") return false;
  return section.parameters.some(({ name, value }) => name === "service" && retired.has(value));
}
