import { delimiter, join, resolve } from "node:path";
import { isExecutable } from "../system/is-executable.ts";

/** Run from source, the runtime needs to be told what to run; the executable needs nothing. */
export const OWN_SCRIPT: readonly string[] =
  process.argv[1] === undefined || process.argv[1].startsWith("/$bunfs/") ? [] : [process.argv[1]];

/** Starts the very program that runs, also after a package has put another file in its place: for its own helpers. */
export const ownProgram = (): readonly string[] => ["/proc/self/exe", ...OWN_SCRIPT];

/** Starts the program that is installed now, under the path by which this one was called. */
export const installedProgram = (): readonly string[] => [installedExecutable(), ...OWN_SCRIPT];

/** A link may lead to another version by now, so what counts is the name that was called, not the file it led to then. */
function installedExecutable(): string {
  if (OWN_SCRIPT.length > 0) return process.execPath;
  const { argv0 } = process;
  const candidates = argv0.includes("/")
    ? [resolve(argv0)]
    : (process.env["PATH"] ?? "").split(delimiter).map((folder) => join(folder, argv0));
  return candidates.find(isExecutable) ?? process.execPath.replace(/ \(deleted\)$/, "");
}
