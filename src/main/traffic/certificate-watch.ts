import { statSync } from "node:fs";
import type { Configuration } from "../../config/configuration.ts";
import type { FileAccess } from "../../config/file-access.ts";
import { certificatesIn, DAY_MS, dayOf, endsAt } from "../../config/tls/certificate.ts";
import {
  type CertificateFiles,
  examineCertificates,
  WARN_DAYS,
} from "../../config/tls/examine-certificates.ts";
import {
  readTlsFiles,
  TLS_FILES,
  type TlsObject,
  tlsMaterial,
  tlsObjects,
} from "../../config/tls/tls-objects.ts";
import { errorMessage, SluiceError } from "../../errors/sluice-error.ts";
import type { Clock } from "../../telemetry/clock.ts";
import type { Log } from "../../telemetry/log.ts";
import type { CertificateFigures } from "../../telemetry/metrics.ts";
import { type BrokenTls, NO_TLS, type TlsMaterial, type TlsMaterials } from "../../topology/tls-material.ts";

export interface CertificateWatchParts {
  readonly files: FileAccess;
  readonly clock: Clock;
  readonly log: Log;
  configuration(): Configuration;
  /** Differs where a file was replaced; needs no permission to read it. Undefined: there is none. */
  readonly signatureOf?: (path: string) => string | undefined;
  onChange(materials: TlsMaterials): void;
  /** Once a day for each file that expires within WARN_DAYS days, or has expired. */
  onExpiring(certificate: CertificateFigures, sentence: string): void;
}

/** What is known of one listener or server. */
interface Entry {
  /** Equal: neither its parameters nor its files have changed since. */
  readonly key: string;
  readonly tls: TlsMaterial | BrokenTls;
  readonly certificates: readonly CertificateFigures[];
}

/** How often files are looked at. */
const LOOK_MS = 10_000;
/** A key that no object has. */
const LOOK_AGAIN = "";

/**
 * The certificates of listeners and servers: read at the start, on a reload, and whenever their files change by themselves. The
 * control process reads them, while privileges are still there, and tells the workers; a change that cannot be used is told, and
 * what was in use goes on.
 *
 *   files ─▶ Entry for each listener and server ─┬─▶ TlsMaterials ─▶ workers
 *                                                └─▶ until when: metrics, REST, a warning a day
 */
export class CertificateWatch {
  readonly #parts: CertificateWatchParts;
  readonly #signatureOf: (path: string) => string | undefined;
  #entries: ReadonlyMap<string, Entry> = new Map();
  #materials: TlsMaterials = NO_TLS;
  /** Files that could not be used at the last look, by object: a pair is often replaced one file after the other. */
  #suspects: ReadonlyMap<string, string> = new Map();
  readonly #told = new Map<string, string>();
  #cancel: () => void = () => {};

  constructor(parts: CertificateWatchParts) {
    this.#parts = parts;
    this.#signatureOf = parts.signatureOf ?? statSignature;
  }

  get materials(): TlsMaterials {
    return this.#materials;
  }

  /** Each certificate file in use, and until when. */
  get certificates(): readonly CertificateFigures[] {
    return [...this.#entries.values()].flatMap(({ certificates }) => certificates);
  }

  start(): void {
    const look = (): void => {
      this.#look("by itself");
      this.#cancel = this.#parts.clock.after(LOOK_MS, look);
    };
    this.#cancel = this.#parts.clock.after(LOOK_MS, look);
  }

  stop(): void {
    this.#cancel();
  }

  /** Reads again what has changed, now. Never throws. */
  refresh(): void {
    this.#look("asked");
  }

  #look(why: "asked" | "by itself"): void {
    const suspects = new Map<string, string>();
    const objects = tlsObjects(this.#parts.configuration());
    this.#entries = new Map(
      objects.map((object) => [nameOf(object), this.#lookAt(object, suspects, why === "asked")]),
    );
    this.#suspects = suspects;
    this.#tellMaterials();
    this.#warn();
  }

  #lookAt(object: TlsObject, suspects: Map<string, string>, isAsked: boolean): Entry {
    const name = nameOf(object);
    const present = this.#entries.get(name);
    const key = this.#keyOf(object);
    if (present?.key === key) return present;
    const read = this.#read(object, key);
    if (typeof read !== "string") {
      this.#noteRead(object, read, present);
      return read;
    }
    suspects.set(name, read);
    const isSure = isAsked || this.#suspects.get(name) === read;
    const isUsable = present !== undefined && !("broken" in present.tls);
    if (isSure) this.#noteFailure(object, read, isUsable);
    const known = isUsable ? present : { tls: { broken: read }, certificates: [] };
    return { ...known, key: isSure ? key : LOOK_AGAIN };
  }

  #keyOf({ parameters }: TlsObject): string {
    const files = Object.keys(TLS_FILES).flatMap((parameter) => {
      const path = parameters[parameter as keyof typeof TLS_FILES];
      return path === undefined ? [] : [[path, this.#signatureOf(path)]];
    });
    const { ssl_version, ssl_cipher, ssl_verify_peer_certificate, ssl_verify_peer_host } = parameters;
    return JSON.stringify([
      files,
      ssl_version,
      ssl_cipher,
      ssl_verify_peer_certificate,
      ssl_verify_peer_host,
    ]);
  }

  /** A sentence: why the files cannot be used. */
  #read(object: TlsObject, key: string): Entry | string {
    const { files, failures } = readTlsFiles(object, this.#parts.files);
    const [failure] = failures;
    if (failure !== undefined) return `${failure.parameter}: ${failure.reason}`;
    const role = object.kind === "listener" ? "server" : "client";
    const unusable = examineCertificates(files, { role, now: this.#parts.clock.now() }).find(
      ({ severity }) => severity === "unusable",
    );
    if (unusable !== undefined) return `${unusable.file}: ${unusable.sentence}; ${unusable.remedy}`;
    try {
      return { key, tls: tlsMaterial(object, files), certificates: figuresOf(object, files) };
    } catch (error) {
      if (!(error instanceof SluiceError)) throw error;
      return errorMessage(error);
    }
  }

  #noteRead(object: TlsObject, { tls, certificates }: Entry, before: Entry | undefined): void {
    if (before === undefined || fingerprintOf(tls) === fingerprintOf(before.tls)) return;
    const until = certificates.map(({ file, endsAt }) => `${file} until ${dayOf(endsAt)}`).join(", ");
    this.#parts.log.info(
      { event: "certificates_read", [object.kind]: object.name },
      `${object.name}: new certificates count for new connections: ${until || "none"}`,
    );
  }

  #noteFailure(object: TlsObject, reason: string, isUsable: boolean): void {
    const goesOn = isUsable ? "those in use go on" : "it cannot be used until then";
    this.#parts.log.error(
      { event: "certificates_failed", [object.kind]: object.name },
      `${object.name}: ${reason}; ${goesOn}`,
    );
  }

  #tellMaterials(): void {
    const byKind = (kind: TlsObject["kind"]): TlsMaterials["listeners"] =>
      Object.fromEntries(
        [...this.#entries].flatMap(([name, { tls }]) =>
          name.startsWith(`${kind} `) ? [[name.slice(kind.length + 1), tls]] : [],
        ),
      );
    const materials: TlsMaterials = { listeners: byKind("listener"), servers: byKind("server") };
    if (JSON.stringify(materials) === JSON.stringify(this.#materials)) return;
    this.#materials = materials;
    this.#parts.onChange(materials);
  }

  #warn(): void {
    const now = this.#parts.clock.now();
    for (const certificate of this.certificates) {
      const { name, file, endsAt: ends } = certificate;
      if (ends - now > WARN_DAYS * DAY_MS) continue;
      const today = `${ends} ${dayOf(now)}`;
      if (this.#told.get(`${name} ${file}`) === today) continue;
      this.#told.set(`${name} ${file}`, today);
      const days = Math.floor((ends - now) / DAY_MS);
      const sentence =
        now > ends
          ? `${name}: the certificate ${file} expired on ${dayOf(ends)}`
          : `${name}: the certificate ${file} expires on ${dayOf(ends)}, in ${days} days`;
      this.#parts.log.warn({ event: "certificate_expires", [certificate.kind]: name, file }, sentence);
      this.#parts.onExpiring(certificate, sentence);
    }
  }
}

/** Until when its files can be used: a chain until its first certificate ends, authorities until the last one does. */
function figuresOf({ kind, name }: TlsObject, { cert, ca }: CertificateFiles): readonly CertificateFigures[] {
  const figures = (
    file: CertificateFiles["cert"],
    pick: (...times: number[]) => number,
  ): CertificateFigures[] =>
    file === undefined
      ? []
      : [{ kind, name, file: file.path, endsAt: pick(...certificatesIn(file.text).map(endsAt)) }];
  return [...figures(cert, Math.min), ...figures(ca, Math.max)];
}

const nameOf = ({ kind, name }: TlsObject): string => `${kind} ${name}`;

const fingerprintOf = (tls: Entry["tls"]): string | undefined =>
  "broken" in tls ? undefined : tls.fingerprint;

function statSignature(path: string): string | undefined {
  try {
    const { dev, ino, size, mtimeNs, ctimeNs } = statSync(path, { bigint: true });
    return `${dev} ${ino} ${size} ${mtimeNs} ${ctimeNs}`;
  } catch {
    return undefined; // reading it will tell why
  }
}
