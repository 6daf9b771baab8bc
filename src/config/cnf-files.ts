import { errorMessage } from "../errors/sluice-error.ts";
import { type CnfSection, type CnfText, parseCnf } from "./cnf-parser.ts";
import type { DirectoryEntry, FileAccess } from "./file-access.ts";
import type { Problem } from "./problem.ts";

/** Links that lead back into their own directory end here; two of them would double the work at each step. */
const MAX_DEPTH = 16;
const MAX_DIRECTORIES = 1_000;

/** Reads `main`, then every *.cnf below `main`.d, sorted by name. What cannot be read is a problem; the rest is read. */
export function readCnfTree(main: string, files: FileAccess): CnfText {
  const sections: CnfSection[] = [];
  const problems: Problem[] = [];
  const add = (path: string) => {
    const text = readCnfFile(path, files);
    sections.push(...text.sections);
    problems.push(...text.problems);
  };
  add(main);
  let directories = 0;
  const walk = (directory: string, depth: number): void => {
    if (directories > MAX_DIRECTORIES) return;
    directories += 1;
    if (depth > MAX_DEPTH || directories > MAX_DIRECTORIES) {
      const wrong = `${directory}: more than ${MAX_DEPTH} directories deep, or ${MAX_DIRECTORIES} in all`;
      problems.push(fileProblem(wrong, "see whether a link leads back to where it is"));
      directories = Number.POSITIVE_INFINITY; // told once
      return;
    }
    for (const { name, directory: isDirectory } of listDirectory(directory, files, problems)) {
      const path = `${directory}/${name}`;
      if (isDirectory) walk(path, depth + 1);
      else if (name.endsWith(".cnf")) add(path);
    }
  };
  walk(`${main}.d`, 1);
  return { sections, problems };
}

/** Reads every *.cnf of one directory, not of those below it. */
export function readCnfDirectory(directory: string, files: FileAccess): CnfText {
  const problems: Problem[] = [];
  const texts = listDirectory(directory, files, problems)
    .filter((entry) => !entry.directory && entry.name.endsWith(".cnf"))
    .map(({ name }) => readCnfFile(`${directory}/${name}`, files));
  return {
    sections: texts.flatMap(({ sections }) => sections),
    problems: [...problems, ...texts.flatMap((text) => text.problems)],
  };
}

/** Nothing where there is no such directory; one that cannot be read is a problem. */
function listDirectory(directory: string, files: FileAccess, problems: Problem[]): readonly DirectoryEntry[] {
  try {
    return files.list(directory) ?? [];
  } catch (error) {
    problems.push(fileProblem(errorMessage(error), "make it a directory that this user may read"));
    return [];
  }
}

/** Reads one file; a missing one is a problem. */
function readCnfFile(path: string, files: FileAccess): CnfText {
  try {
    const file = files.read(path);
    if (file !== undefined) return parseCnf(path, file.text);
    return failed(`${path} does not exist`, "name an existing file");
  } catch (error) {
    return failed(errorMessage(error), "make it a regular file that this user may read");
  }
}

function failed(wrong: string, right: string): CnfText {
  return { sections: [], problems: [fileProblem(wrong, right)] };
}

function fileProblem(wrong: string, right: string): Problem {
  return { at: undefined, section: undefined, parameter: undefined, found: undefined, wrong, right };
}
