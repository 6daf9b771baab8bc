import { errorMessage } from "../errors/sluice-error.ts";
import { type CnfSection, type CnfText, parseCnf } from "./cnf-parser.ts";
import type { FileAccess } from "./file-access.ts";
import type { Problem } from "./problem.ts";

/** A link that leads back into its own directory ends here. */
const MAX_DEPTH = 16;

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
  const walk = (directory: string, depth: number): void => {
    if (depth > MAX_DEPTH) {
      const wrong = `more than ${MAX_DEPTH} directories deep`;
      problems.push(fileProblem(`${directory}: ${wrong}`, "see whether a link leads back to where it is"));
      return;
    }
    for (const { name, directory: isDirectory } of files.list(directory) ?? []) {
      const path = `${directory}/${name}`;
      if (isDirectory) walk(path, depth + 1);
      else if (name.endsWith(".cnf")) add(path);
    }
  };
  try {
    walk(`${main}.d`, 1);
  } catch (error) {
    problems.push(fileProblem(errorMessage(error), READABLE));
  }
  return { sections, problems };
}

/** Reads one file; a missing one is a problem. */
export function readCnfFile(path: string, files: FileAccess): CnfText {
  try {
    const file = files.read(path);
    if (file !== undefined) return parseCnf(path, file.text);
    return failed(`${path} does not exist`, "name an existing file");
  } catch (error) {
    return failed(errorMessage(error), READABLE);
  }
}

const READABLE = "make it a regular file that this user may read";

function failed(wrong: string, right: string): CnfText {
  return { sections: [], problems: [fileProblem(wrong, right)] };
}

function fileProblem(wrong: string, right: string): Problem {
  return { at: undefined, section: undefined, parameter: undefined, found: undefined, wrong, right };
}
