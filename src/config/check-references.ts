import { parametersOf } from "./compile-object.ts";
import type { ConfigurationObject } from "./configuration.ts";
import type { Findings } from "./findings.ts";
import { type ResolvedSection, suggestion } from "./resolve-sections.ts";
import { SCHEMAS } from "./schema/schemas.ts";
import { nearest } from "./suggestion.ts";
import { splitList } from "./values/text.ts";

/** Every name of another object must lead to one, of the right kind. `sections` are all objects, those with mistakes too. */
export function checkReferences(
  objects: readonly ConfigurationObject[],
  sections: readonly ResolvedSection[],
  findings: Findings,
): void {
  const kinds = new Map(sections.map(({ name, kind }) => [name, kind]));
  for (const object of objects) {
    const set = parametersOf(SCHEMAS[object.kind], object.module);
    for (const [parameter, { text, at }] of object.given) {
      const wanted = set[parameter]?.type.refersTo;
      if (wanted === undefined) continue;
      for (const name of splitList(String(text))) {
        const kind = kinds.get(name);
        if (kind !== undefined && wanted.includes(kind)) continue;
        const subject = { at, section: object.name, parameter, found: name };
        const possible = [...kinds].flatMap(([other, otherKind]) =>
          wanted.includes(otherKind) ? [other] : [],
        );
        const expected = `the name of a ${wanted.join(" or ")}`;
        const near = suggestion(nearest(name, possible), `expected ${expected}${oneOf(possible)}`);
        if (kind === undefined)
          findings.problem(subject, `there is no ${wanted.join(" or ")} of that name`, near);
        else findings.problem(subject, `${name} is a ${kind}`, near);
      }
    }
  }
}

function oneOf(names: readonly string[]): string {
  if (names.length === 0) return "";
  return names.length <= 5 ? `: ${names.join(", ")}` : `: ${names.slice(0, 5).join(", ")}, …`;
}
