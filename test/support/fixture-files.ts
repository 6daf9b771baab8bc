import { readdirSync, readFileSync, statSync } from "node:fs";
import { join, relative } from "node:path";

/** The files below a folder of test/fixtures, by their path in it. */
export function fixtureFiles(folder: string): Record<string, string> {
  const root = join(import.meta.dir, "../fixtures", folder);
  const paths = readdirSync(root, { recursive: true, encoding: "utf8" }).map((name) => join(root, name));
  return Object.fromEntries(
    paths
      .filter((path) => statSync(path).isFile())
      .map((path) => [relative(root, path), readFileSync(path, "utf8")]),
  );
}

/** The names of the folders in a folder of test/fixtures. */
export function fixtureFolders(folder: string): readonly string[] {
  return readdirSync(join(import.meta.dir, "../fixtures", folder)).sort();
}
