import { SluiceError } from "../errors/sluice-error.ts";
import { sectionOf } from "./cnf-writer.ts";
import { allObjects, type Configuration } from "./configuration.ts";
import { isGlobalSection } from "./global-setting.ts";
import { own } from "./own.ts";
import { DELETED } from "./resolve-sections.ts";
import type { ObjectKind, SectionKind } from "./schema/schemas.ts";
import { SLUICE } from "./schema/sluice.ts";
import type { SourceParameter, SourceSection } from "./source.ts";

/** A change of one object at run time. Values are texts of the .cnf dialect, taken as they are; references are parameters (`servers`, `cluster`, `service` …). */
export type Edit =
  | {
      readonly action: "create";
      readonly kind: SectionKind;
      readonly name: string;
      /** Includes `module` or `router`, and not `type`. */
      readonly parameters: ReadonlyMap<string, string>;
    }
  | {
      readonly action: "alter";
      readonly kind: ObjectKind;
      readonly name: string;
      /** Only what changes; null: back to the default. */
      readonly parameters: ReadonlyMap<string, string | null>;
    }
  | { readonly action: "destroy"; readonly kind: SectionKind; readonly name: string };

export interface EditedSections {
  /** All sections as they would be, for compileConfiguration; only what that accepts may be kept. */
  readonly sections: readonly SourceSection[];
  /** What Persistence has to do for each object that is touched. */
  readonly kept: readonly KeptChange[];
}

type KeptChange =
  | { readonly keep: "section"; readonly section: SourceSection }
  | { readonly keep: "deletion" | "nothing"; readonly name: string };

/**
 * Edits of objects as edits of sections. `sections` are those `configuration` was made of (readSources). The outcome is not
 * validated yet. Throws NOT_FOUND and ALREADY_EXISTS.
 */
export function editSections(
  sections: readonly SourceSection[],
  configuration: Configuration,
  edits: readonly Edit[],
): EditedSections {
  const editor = new SectionEditor(sections, configuration);
  for (const edit of edits) editor.apply(edit);
  return editor.result();
}

class SectionEditor {
  readonly #before: readonly SourceSection[];
  /** The objects as they are after the edits so far. */
  readonly #live: Map<string, { readonly kind: ObjectKind; readonly section: SourceSection }>;
  /** The touched ones; undefined: destroyed. */
  readonly #touched = new Map<string, SourceSection | undefined>();

  constructor(sections: readonly SourceSection[], configuration: Configuration) {
    this.#before = sections;
    const objects = allObjects(configuration).map((object) => {
      const section = object.kind === "sluice" ? this.#keptOfSluice() : sectionOf(object);
      return [object.name, { kind: object.kind, section }] as const;
    });
    this.#live = new Map(objects);
  }

  apply(edit: Edit): void {
    const { name, kind } = edit;
    const present = this.#live.get(name);
    if (edit.action === "create") {
      if (present !== undefined)
        throw new SluiceError("ALREADY_EXISTS", `there is a ${present.kind} ${name} already`);
      this.#touch(kind, section(name, [["type", kind], ...edit.parameters]));
      return;
    }
    if (present?.kind !== kind) throw new SluiceError("NOT_FOUND", `there is no ${kind} ${name}`);
    if (edit.action === "alter") this.#touch(kind, this.#altered(kind, present.section, edit.parameters));
    else {
      this.#live.delete(name);
      this.#touched.set(name, undefined);
    }
  }

  result(): EditedSections {
    const untouched = this.#before.filter(
      ({ name, origin }) => origin === "file" || !this.#touched.has(objectName(name)),
    );
    const kept = [...this.#touched].map(([name, present]): KeptChange => {
      if (present !== undefined) return { keep: "section", section: present };
      return this.#isInFile(name) ? { keep: "deletion", name } : { keep: "nothing", name };
    });
    const changed = kept.flatMap((change) => {
      if (change.keep === "section") return [change.section];
      return change.keep === "deletion" ? [section(change.name, [["type", DELETED]])] : [];
    });
    return { sections: [...untouched, ...changed], kept };
  }

  #touch(kind: ObjectKind, present: SourceSection): void {
    this.#live.set(present.name, { kind, section: present });
    this.#touched.set(present.name, present);
  }

  #altered(
    kind: ObjectKind,
    before: SourceSection,
    changes: ReadonlyMap<string, string | null>,
  ): SourceSection {
    const parameters = new Map(before.parameters.map((parameter) => [parameter.name, parameter]));
    for (const [name, value] of changes) {
      const text = value ?? (kind === "sluice" ? this.#defaultOfSluice(name) : undefined);
      if (text === undefined) parameters.delete(name);
      else parameters.set(name, given(name, text));
    }
    return { name: before.name, at: undefined, origin: "persisted", parameters: [...parameters.values()] };
  }

  /** [sluice] is kept parameter by parameter: only what was changed at run time. */
  #keptOfSluice(): SourceSection {
    const kept = this.#before.find(({ name, origin }) => origin === "persisted" && isGlobalSection(name));
    return kept === undefined ? section("sluice", []) : { ...kept, name: "sluice" };
  }

  /** Where the file sets a parameter, leaving it out would not bring its default back. */
  #defaultOfSluice(name: string): string | undefined {
    const inFile = this.#before.some(
      (before) =>
        before.origin === "file" &&
        isGlobalSection(before.name) &&
        before.parameters.some((parameter) => parameter.name === name),
    );
    return inFile ? own<{ readonly default: string | undefined }>(SLUICE.common, name)?.default : undefined;
  }

  #isInFile(name: string): boolean {
    return this.#before.some((before) => before.origin === "file" && objectName(before.name) === name);
  }
}

function objectName(section: string): string {
  return isGlobalSection(section) ? "sluice" : section;
}

function section(name: string, parameters: Iterable<readonly [string, string]>): SourceSection {
  const values = [...parameters].map(([key, value]) => given(key, value));
  return { name, at: undefined, origin: "persisted", parameters: values };
}

function given(name: string, value: string): SourceParameter {
  return { name, value, at: undefined, quoted: true };
}
