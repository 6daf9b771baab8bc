import type { DirectoryEntry, FileAccess } from "../../src/config/file-access.ts";

/** A file system made of texts, for tests: path -> text, or path -> [text, mode]. Directories follow from the paths. */
export function memoryFiles(files: Readonly<Record<string, string | readonly [string, number]>>): FileAccess {
  return {
    read(path) {
      const file = files[path];
      if (file === undefined) return undefined;
      return typeof file === "string" ? { text: file, mode: 0o644 } : { text: file[0], mode: file[1] };
    },
    list(path) {
      const prefix = `${path}/`;
      const entries = new Map<string, DirectoryEntry>();
      for (const file of Object.keys(files)) {
        if (!file.startsWith(prefix)) continue;
        const [name = "", ...deeper] = file.slice(prefix.length).split("/");
        entries.set(name, { name, directory: deeper.length > 0 });
      }
      if (entries.size === 0) return undefined;
      return [...entries.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
    },
  };
}
