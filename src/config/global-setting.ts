import type { SourceSection } from "./source.ts";

/** [sluice], or MaxScale's name of it in any letter case. */
export function isGlobalSection(name: string): boolean {
  const lower = name.toLowerCase();
  return lower === "sluice" || lower === "maxscale";
}

/** The text of a setting that decides how the files themselves are read, before anything is validated. */
export function globalSetting(sections: readonly SourceSection[], name: string): string | undefined {
  const global = sections.filter((section) => isGlobalSection(section.name));
  return global.flatMap(({ parameters }) => parameters).findLast((parameter) => parameter.name === name)
    ?.value;
}
