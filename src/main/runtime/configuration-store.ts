import type { Edit } from "../../admin/control.ts";
import { sectionOf } from "../../config/cnf-writer.ts";
import { compileConfiguration } from "../../config/compile-configuration.ts";
import { allObjects, type Configuration, type ConfigurationObject } from "../../config/configuration.ts";
import { diffConfigurations, type ObjectChange } from "../../config/diff-configurations.ts";
import type { FileAccess } from "../../config/file-access.ts";
import { readSources } from "../../config/load-configuration.ts";
import type { Persistence } from "../../config/persistence.ts";
import { formatProblem } from "../../config/problem.ts";
import type { SourceParameter, SourceSection } from "../../config/source.ts";
import type { Environment } from "../../config/substitute-variables.ts";
import { SluiceError } from "../../errors/sluice-error.ts";

/** Where a configuration comes from: files that can be read again, or what a command line stood for. */
export interface ConfigurationOrigin {
  /** Undefined: there is no file, nothing can be read again. */
  readonly file: string | undefined;
  readonly files: FileAccess;
  readonly env: Environment;
}

/** A configuration that would take the place of the present one, and how it differs. */
export interface Candidate {
  readonly configuration: Configuration;
  readonly changes: readonly ObjectChange[];
}

/**
 * The configuration in force, and the one place where it changes. A change is validated as a whole, kept, and only then in force:
 *
 *   edits or files ─▶ candidate ─▶ (the caller puts it into force) ─▶ keep ─▶ current
 */
export class ConfigurationStore {
  readonly #origin: ConfigurationOrigin;
  /** Undefined: changes last until the restart. */
  readonly #persistence: Persistence | undefined;
  #current: Configuration;

  constructor(current: Configuration, origin: ConfigurationOrigin, persistence: Persistence | undefined) {
    this.#current = current;
    this.#origin = origin;
    this.#persistence = persistence;
  }

  get current(): Configuration {
    return this.#current;
  }

  /** What the edits would lead to. Throws NOT_FOUND, ALREADY_EXISTS, or CONFIG_INVALID with every mistake. */
  edited(edits: readonly Edit[]): Candidate {
    const sections = new Map(allObjects(this.#current).map((object) => [object.name, sectionOf(object)]));
    for (const edit of edits) applyEdit(edit, sections, this.#current);
    return this.#candidate([...sections.values()], []);
  }

  /** What the files say now. Throws CONFIG_INVALID with every mistake. */
  reread(): Candidate {
    const { file, files, env } = this.#origin;
    if (file === undefined)
      throw new SluiceError(
        "REFUSED",
        "there is no configuration file: the flags of the command line are the configuration",
      );
    const { sections, problems } = readSources(file, files, env);
    return this.#candidate(sections, problems);
  }

  /** Keeps what the edits changed, so that it survives a restart. */
  async keep(edits: readonly Edit[], candidate: Candidate): Promise<void> {
    if (this.#persistence === undefined) return;
    for (const { action, kind, name } of edits) {
      const after = objectNamed(candidate.configuration, kind, name);
      if (action !== "destroy" && after !== undefined) await this.#persistence.save(keptSection(after));
      else if (this.#isInFile(name)) await this.#persistence.saveDeleted(name);
      else await this.#persistence.forget(name);
    }
  }

  /** From here on the candidate is in force. */
  accept({ configuration }: Candidate): void {
    this.#current = configuration;
  }

  #candidate(
    sections: readonly SourceSection[],
    problems: Parameters<typeof compileConfiguration>[2],
  ): Candidate {
    const result = compileConfiguration(sections, this.#origin.env, problems);
    if (!result.ok) throw new SluiceError("CONFIG_INVALID", result.problems.map(formatProblem).join("\n"));
    return {
      configuration: result.configuration,
      changes: diffConfigurations(this.#current, result.configuration),
    };
  }

  #isInFile(name: string): boolean {
    const { file, files, env } = this.#origin;
    if (file === undefined) return false;
    return readSources(file, files, env).sections.some(
      (section) => section.origin === "file" && section.name === name,
    );
  }
}

function applyEdit(edit: Edit, sections: Map<string, SourceSection>, configuration: Configuration): void {
  const { name, kind } = edit;
  const present = objectNamed(configuration, kind, name);
  if (edit.action === "create") {
    if (sections.has(name))
      throw new SluiceError("ALREADY_EXISTS", `there is already an object called ${name}`);
    const parameters = [
      parameter("type", kind),
      ...[...edit.parameters].map(([key, value]) => parameter(key, value)),
    ];
    sections.set(name, { name, at: undefined, origin: "persisted", parameters });
    return;
  }
  const section = sections.get(name);
  if (section === undefined || present === undefined)
    throw new SluiceError("NOT_FOUND", `there is no ${kind} called ${name}`);
  if (edit.action === "destroy") {
    sections.delete(name);
    return;
  }
  const kept = section.parameters.filter((old) => !edit.parameters.has(old.name));
  const changed = [...edit.parameters].flatMap(([key, value]) =>
    value === null ? [] : [parameter(key, value)],
  );
  sections.set(name, { ...section, parameters: [...kept, ...changed] });
}

/** An object is kept as a whole; [sluice] as what was changed at run time, now or earlier. */
function keptSection(object: ConfigurationObject): Pick<SourceSection, "name" | "parameters"> {
  const section = sectionOf(object);
  if (object.kind !== "sluice") return section;
  const { persistdir } = object.parameters;
  const isRuntime = ({ at }: SourceParameter): boolean =>
    at === undefined || at.file.startsWith(`${persistdir}/`);
  return { name: section.name, parameters: section.parameters.filter(isRuntime) };
}

function objectNamed(
  configuration: Configuration,
  kind: Edit["kind"],
  name: string,
): ConfigurationObject | undefined {
  return allObjects(configuration).find((object) => object.kind === kind && object.name === name);
}

const parameter = (name: string, value: string): SourceParameter => ({
  name,
  value,
  at: undefined,
  quoted: true,
});
