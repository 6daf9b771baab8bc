// Adds the optional packages of other platforms that package-lock.json lacks, so that `npm ci` accepts it everywhere:
// npm leaves out what it could not look up when the lock file was made. Run it after every `npm install`.
import { readFileSync, writeFileSync } from "node:fs";

interface LockEntry {
  readonly dev?: boolean;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
}

const PATH = "package-lock.json";
const SYSTEMS = [
  "android",
  "darwin",
  "linux",
  "win32",
  "windows",
  "freebsd",
  "netbsd",
  "openbsd",
  "openharmony",
  "aix",
  "sunos",
];
const PROCESSORS = [
  "arm64",
  "aarch64",
  "x64",
  "ia32",
  "arm",
  "ppc64",
  "riscv64",
  "s390x",
  "loong64",
  "wasm32",
];

const lock = JSON.parse(readFileSync(PATH, "utf8")) as { packages: Record<string, LockEntry> };
for (const entry of Object.values({ ...lock.packages })) {
  for (const [name, range] of Object.entries(entry.optionalDependencies ?? {})) {
    lock.packages[`node_modules/${name}`] ??= absentEntry(name, range, entry.dev === true);
  }
}
const sorted = Object.entries(lock.packages).sort(([a], [b]) => (a < b ? -1 : 1));
writeFileSync(PATH, `${JSON.stringify({ ...lock, packages: Object.fromEntries(sorted) }, null, 2)}\n`);

/** The platform is part of such a package's name: `@x/cli-linux-arm64-musl`. */
function absentEntry(name: string, range: string, isDev: boolean): object {
  const words = name.split(/[-/]/);
  const os = SYSTEMS.find((word) => words.includes(word));
  const cpu = PROCESSORS.find((word) => words.includes(word));
  const libc = words.some((word) => word.includes("musl")) ? "musl" : "glibc";
  return {
    version: range.replace(/^[\^~]/, ""),
    ...(cpu && { cpu: [cpu === "aarch64" ? "arm64" : cpu] }),
    ...(isDev && { dev: true }),
    ...(os === "linux" && { libc: [libc] }),
    optional: true,
    ...(os && { os: [os === "windows" ? "win32" : os] }),
  };
}
