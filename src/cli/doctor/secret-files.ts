import type { FileAccess } from "../../config/file-access.ts";
import { type Finding, isOk, isWarning } from "./finding.ts";

const READABLE_BY_ALL = 0o004;
const PASSWORD_LINE = /^[ \t]*(?:export[ \t]+)?(?:\w*password|monitorpw)[ \t]*=[ \t]*\S/im;

/** Reads as `files` does, and remembers the files that hold a password which every user may read. */
export function watchingSecrets(files: FileAccess): {
  readonly files: FileAccess;
  readonly open: ReadonlySet<string>;
} {
  const open = new Set<string>();
  const read: FileAccess["read"] = (path) => {
    const file = files.read(path);
    if (file !== undefined && (file.mode & READABLE_BY_ALL) !== 0 && PASSWORD_LINE.test(file.text))
      open.add(path);
    return file;
  };
  return { files: { read, list: (path) => files.list(path) }, open };
}

export function judgeSecrets(open: ReadonlySet<string>): readonly Finding[] {
  if (open.size === 0) return [isOk("passwords", "no file that was read shows one to every user")];
  return [...open].map((path) =>
    isWarning("passwords", `${path} holds a password, and every user may read it`, `chmod o-r ${path}`),
  );
}
