import { compileConfiguration } from "../../config/compile-configuration.ts";
import type { Configuration } from "../../config/configuration.ts";
import { diffConfigurations, type ObjectChange } from "../../config/diff-configurations.ts";
import { type Edit, type EditedSections, editSections } from "../../config/edit-sections.ts";
import type { FileAccess } from "../../config/file-access.ts";
import { readSources } from "../../config/load-configuration.ts";
import type { Persistence } from "../../config/persistence.ts";
import { formatProblem } from "../../config/problem.ts";
import type { SourceSection } from "../../config/source.ts";
import type { Environment } from "../../config/substitute-variables.ts";
import { SluiceError } from "../../errors/sluice-error.ts";

/** Where a configuration comes from: a file that can be read again, or what a command line stands for. */
export interface ConfigurationOrigin {
  readonly file: string | undefined;
  readonly sections: readonly SourceSection[];
  readonly files: FileAccess;
  readonly env: Environment;
}

/** A configuration that would take the place of the present one, how it differs, and what to keep on disk for it. */
export interface Candidate {
  readonly configuration: Configuration;
  readonly changes: readonly ObjectChange[];
  readonly sections: readonly SourceSection[];
  readonly kept: EditedSections["kept"];
}

/**
 * The configuration in force, and the one place where it changes. A change is validated as a whole, kept, and only then in force:
 *
 *   edits or files ─▶ candidate ─▶ keep ─▶ accept ─▶ current
 */
export class ConfigurationStore {
  readonly #origin: ConfigurationOrigin;
  /** Undefined: changes last until the restart. */
  readonly #persistence: Persistence | undefined;
  #sections: readonly SourceSection[];
  #current: Configuration;

  constructor(current: Configuration, origin: ConfigurationOrigin, persistence: Persistence | undefined) {
    this.#current = current;
    this.#origin = origin;
    this.#persistence = persistence;
    this.#sections = origin.sections;
  }

  get current(): Configuration {
    return this.#current;
  }

  /** What the present configuration was compiled from. */
  get sections(): readonly SourceSection[] {
    return this.#sections;
  }

  /** What the edits would lead to. Throws NOT_FOUND, ALREADY_EXISTS, or CONFIG_INVALID with every mistake. */
  edited(edits: readonly Edit[]): Candidate {
    const { sections, kept } = editSections(this.#sections, this.#current, edits);
    return this.#candidate(sections, [], kept);
  }

  /** What the files say now. Throws CONFIG_INVALID with every mistake, REFUSED where there is no file. */
  reread(): Candidate {
    const { file, files, env } = this.#origin;
    if (file === undefined) {
      throw new SluiceError(
        "REFUSED",
        "there is no configuration file to read again: the command line is the configuration",
      );
    }
    const { sections, problems } = readSources(file, files, env);
    return this.#candidate(sections, problems, []);
  }

  /** Keeps what changed, so that it survives a restart. Throws IO_FAILED. */
  async keep({ kept }: Candidate): Promise<void> {
    await this.#persistence?.keep(kept);
  }

  /** From here on the candidate is in force. */
  accept({ configuration, sections }: Candidate): void {
    this.#current = configuration;
    this.#sections = sections;
  }

  #candidate(
    sections: readonly SourceSection[],
    problems: Parameters<typeof compileConfiguration>[2],
    kept: EditedSections["kept"],
  ): Candidate {
    const result = compileConfiguration(sections, this.#origin.env, problems);
    if (!result.ok) throw new SluiceError("CONFIG_INVALID", result.problems.map(formatProblem).join("\n"));
    const { configuration } = result;
    return { configuration, changes: diffConfigurations(this.#current, configuration), sections, kept };
  }
}
