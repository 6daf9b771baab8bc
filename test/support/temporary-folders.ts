import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** Folders for one test file: `afterEach(() => folders.remove())`. */
export class TemporaryFolders {
  readonly #made: string[] = [];

  make(): string {
    const path = mkdtempSync(join(tmpdir(), "sluice-test-"));
    this.#made.push(path);
    return path;
  }

  remove(): void {
    for (const path of this.#made.splice(0)) rmSync(path, { recursive: true, force: true });
  }
}
