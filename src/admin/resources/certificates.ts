import type { CertificateInfo, Control } from "../control.ts";

/** The certificate files of a listener or server, in its attributes; the first is the one it shows. */
export function certificatesOf(
  control: Control,
  kind: CertificateInfo["kind"],
  name: string,
): readonly Readonly<Record<string, unknown>>[] {
  return control
    .certificates()
    .filter((certificate) => certificate.kind === kind && certificate.name === name)
    .map(({ file, endsAt }) => ({ file, expires: new Date(endsAt).toISOString() }));
}
