import { errorMessage } from "../../errors/sluice-error.ts";
import type { Configuration } from "../configuration.ts";
import type { FileAccess } from "../file-access.ts";
import { Findings } from "../findings.ts";
import type { Problem, Warning } from "../problem.ts";
import { type CertificateFiles, examineCertificates } from "./examine-certificates.ts";
import {
  readTlsFiles,
  TLS_FILES,
  type TlsFileParameter,
  type TlsObject,
  tlsMaterial,
  tlsObjects,
} from "./tls-objects.ts";

/**
 * Looks at the certificate files that listeners and servers name, all or those in `only`: what cannot be used is a problem, what others may refuse is a
 * warning, because a daemon that does not start at all helps nobody. Reads files, unlike compileConfiguration().
 *
 * @param now ms since 1970
 */
export function checkTlsFiles(
  configuration: Configuration,
  files: FileAccess,
  now: number,
  only?: ReadonlySet<string>,
): { readonly problems: readonly Problem[]; readonly warnings: readonly Warning[] } {
  const findings = new Findings();
  for (const object of tlsObjects(configuration))
    if (only?.has(object.name) ?? true) checkObject(object, files, now, findings);
  return { problems: findings.problems, warnings: findings.warnings };
}

function checkObject(object: TlsObject, files: FileAccess, now: number, findings: Findings): void {
  const { name, kind } = object;
  const subject = (parameter: TlsFileParameter | "ssl" | "ssl_cipher") => ({
    at: object.given.get(parameter)?.at ?? object.at,
    section: name,
    parameter,
  });
  const { files: found, failures } = readTlsFiles(object, files);
  for (const { parameter, reason } of failures)
    findings.problem(subject(parameter), reason, "name a file that this user can read");
  const examined = examineCertificates(found, { role: kind === "listener" ? "server" : "client", now });
  for (const { severity, part, file, sentence, remedy } of examined) {
    const parameter = parameterOf(part);
    const told = { ...subject(parameter), found: file };
    if (severity === "unusable") findings.problem(told, sentence, remedy);
    else findings.warn(`${file}: ${sentence}`, told, `${file}: ${sentence}; ${remedy}`);
  }
  if (failures.length > 0 || examined.some(({ severity }) => severity === "unusable")) return;
  try {
    tlsMaterial(object, found);
  } catch (error) {
    const parameter = object.given.has("ssl_cipher") ? "ssl_cipher" : "ssl";
    findings.problem(subject(parameter), errorMessage(error), "correct the ssl_ parameters");
  }
}

/** The parameter that names that file. */
function parameterOf(part: keyof CertificateFiles): TlsFileParameter {
  const entries = Object.entries(TLS_FILES) as readonly (readonly [TlsFileParameter, string])[];
  return entries.find(([, one]) => one === part)?.[0] ?? "ssl_cert";
}
