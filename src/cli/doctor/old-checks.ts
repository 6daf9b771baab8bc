import { realpathSync } from "node:fs";
import type { FileAccess } from "../../config/file-access.ts";
import { type Finding, isError, isOk, isWarning } from "./finding.ts";

const NAMES = /(?:^|\/)(clustercheck|mysqlchk|connectorchk|mysqlchk_iptables)(?:\.sh)?$/;
const SCRIPT_FOLDERS = [
  "/usr/bin",
  "/usr/local/bin",
  "/usr/sbin",
  "/usr/local/sbin",
  "/opt",
  "/opt/continuent/share",
];
const SOCKET_FOLDERS = ["/etc/systemd/system", "/usr/lib/systemd/system", "/lib/systemd/system"];
const SUBJECT = "old checks";

/** Are the scripts that Sluice replaces still in place, or still started on its port? `self`: the path of this executable. */
export function examineOldChecks(port: number, self: string, files: FileAccess): readonly Finding[] {
  const isOurs = (path: string): boolean => realPath(path) === realPath(self);
  const findings = [
    ...readFolder("/etc/xinetd.d", files).flatMap(([path, text]) => judgeXinetd(path, text, port, isOurs)),
    ...SOCKET_FOLDERS.flatMap((folder) => readFolder(folder, files, ".socket")).flatMap(([path, text]) =>
      judgeSocketUnit(path, text, port),
    ),
    ...SCRIPT_FOLDERS.flatMap((folder) => oldScripts(folder, files)).map(judgeScript),
  ];
  return findings.length > 0
    ? findings
    : [isOk(SUBJECT, "no script and no service of an older check is in place")];
}

/** The services of one file of /etc/xinetd.d. */
export function judgeXinetd(
  path: string,
  text: string,
  port: number,
  isOurs: (path: string) => boolean,
): readonly Finding[] {
  const clean = text.replace(/#.*$/gm, "");
  return [...clean.matchAll(/service\s+(\S+)\s*\{([^}]*)\}/g)].flatMap(([, name = "", body = ""]) => {
    const value = (key: string): string | undefined =>
      new RegExp(`^\\s*${key}\\s*=\\s*(.*?)\\s*$`, "m").exec(body)?.[1];
    const server = value("server") ?? "";
    if (value("disable") === "yes" || isOurs(server)) return [];
    const samePort = value("port") === String(port);
    if (!samePort && !NAMES.test(server)) return [];
    const remedy = `put \`disable = yes\` into ${path}, and reload xinetd; or let its server be a link to sluice`;
    if (samePort)
      return [isError(SUBJECT, `${path}: service ${name} has port ${port} run ${server}`, remedy)];
    return [
      isWarning(
        SUBJECT,
        `${path}: service ${name} still runs ${server} (port ${value("port") ?? "of /etc/services"})`,
        remedy,
      ),
    ];
  });
}

/** A systemd socket unit on our port that is not ours. */
export function judgeSocketUnit(path: string, text: string, port: number): readonly Finding[] {
  const listens = [...text.matchAll(/^ListenStream=(.*)$/gm)].some(([, address = ""]) =>
    new RegExp(`(^|:)${port}$`).test(address.trim()),
  );
  const unit = path.slice(path.lastIndexOf("/") + 1);
  if (!listens || unit.startsWith("sluice")) return [];
  return [
    isWarning(
      SUBJECT,
      `${path} listens on port ${port} once it is started`,
      `systemctl disable --now ${unit}`,
    ),
  ];
}

function judgeScript(path: string): Finding {
  return isWarning(
    SUBJECT,
    `${path} is a script, and xinetd, keepalived or cron may still call it`,
    `replace it: ln -sf /usr/bin/sluice ${path} answers in the same way`,
  );
}

function oldScripts(folder: string, files: FileAccess): readonly string[] {
  return safely(() => files.list(folder) ?? [], []).flatMap(({ name, directory }) => {
    const path = `${folder}/${name}`;
    if (directory || !NAMES.test(path)) return [];
    // This executable is too large to be read as a text, and so no script.
    return safely(() => files.read(path)?.text.startsWith("#!"), false) ? [path] : [];
  });
}

function readFolder(
  folder: string,
  files: FileAccess,
  suffix = "",
): readonly (readonly [path: string, text: string])[] {
  return safely(() => files.list(folder) ?? [], []).flatMap(({ name, directory }) => {
    const path = `${folder}/${name}`;
    const text =
      directory || !name.endsWith(suffix) ? undefined : safely(() => files.read(path)?.text, undefined);
    return text === undefined ? [] : [[path, text] as const];
  });
}

function safely<T>(read: () => T, otherwise: T): T {
  try {
    return read();
  } catch {
    return otherwise;
  }
}

function realPath(path: string): string {
  return safely(() => realpathSync(path), path);
}
