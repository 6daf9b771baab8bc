import { SluiceError } from "../errors/sluice-error.ts";
import type { MyCnfOption } from "./my-cnf.ts";
import { formatPlace } from "./problem.ts";
import { Secret } from "./secret.ts";
import { splitList } from "./values/text.ts";

/** What the option files say of a connection; a field is undefined where they say nothing. */
export interface ClientOptions {
  readonly user: string | undefined;
  readonly password: Secret | undefined;
  readonly host: string | undefined;
  readonly port: number | undefined;
  readonly socket: string | undefined;
  readonly protocol: "tcp" | "socket" | undefined;
  readonly connectTimeoutMs: number | undefined;
  /** Undefined: no TLS was asked for. */
  readonly tls: ClientTls | undefined;
}

export interface ClientTls {
  readonly ca: string | undefined;
  readonly cert: string | undefined;
  readonly key: string | undefined;
  readonly cipher: string | undefined;
  /** Check the server's certificate against `ca`, and the host name against the certificate. */
  readonly verifyCertificate: boolean;
  readonly verifyHost: boolean;
  /** As written: `TLSv1.2`, `TLSv1.3`; empty: whatever both sides support. */
  readonly versions: readonly string[];
}

/**
 * The options that matter for a connection; the last of several wins, `-` and `_` are the same, `loose-` is dropped, and what
 * other programs want from [client] is passed over. Throws CONFIG_INVALID, with file and line, for a value that cannot be.
 */
export function clientOptions(options: readonly MyCnfOption[]): ClientOptions {
  const last = new LastOptions(options);
  return {
    user: last.text("user"),
    password: last.password(),
    host: last.text("host"),
    port: last.number("port", 65_535),
    socket: last.text("socket"),
    protocol: last.protocol(),
    connectTimeoutMs: seconds(last.number("connect_timeout", 31_536_000)),
    tls: tlsOptions(last),
  };
}

/** An option as the files leave it: present under its bare name, `false` where it was skipped. */
class LastOptions {
  readonly #byName = new Map<string, MyCnfOption>();

  constructor(options: readonly MyCnfOption[]) {
    for (const option of options) {
      const written = option.name.replaceAll("-", "_").replace(/^loose_/, "");
      const [, prefix, name] = /^(skip|disable|enable)_(.+)$/.exec(written) ?? [];
      // `skip-ssl` and `ssl=0` are the same option, so that the last of them wins.
      if (prefix === undefined || name === undefined) this.#byName.set(written, option);
      else this.#byName.set(name, { ...option, value: prefix === "enable" ? "1" : "0" });
    }
  }

  text(name: string): string | undefined {
    const value = this.#byName.get(name)?.value;
    return value === "" ? undefined : value;
  }

  /** `password` alone means "ask at the terminal" to the client; a daemon has none. */
  password(): Secret | undefined {
    const value = this.#byName.get("password")?.value;
    return value === undefined ? undefined : new Secret(value);
  }

  number(name: string, max: number): number | undefined {
    const option = this.#byName.get(name);
    if (option?.value === undefined || option.value === "") return undefined;
    const value = /^\d+$/.test(option.value) ? Number(option.value) : Number.NaN;
    if (!(value <= max)) throw wrong(option, `a whole number from 0 to ${max}`);
    return value;
  }

  flag(name: string): boolean | undefined {
    const option = this.#byName.get(name);
    if (option === undefined) return undefined;
    const value = (option.value ?? "1").toLowerCase();
    if (["1", "true", "on", "yes"].includes(value)) return true;
    if (["0", "false", "off", "no"].includes(value)) return false;
    throw wrong(option, "0, 1, on, off, true or false");
  }

  protocol(): "tcp" | "socket" | undefined {
    const option = this.#byName.get("protocol");
    const value = option?.value?.toLowerCase();
    if (option === undefined || value === undefined || value === "default") return undefined;
    if (value === "tcp" || value === "socket") return value;
    throw wrong(option, "tcp or socket");
  }

  oneOf<T extends string>(name: string, values: readonly T[]): T | undefined {
    const option = this.#byName.get(name);
    if (option === undefined) return undefined;
    const found = values.find((value) => value === option.value?.toUpperCase());
    if (found === undefined) throw wrong(option, `one of ${values.join(", ")}`);
    return found;
  }
}

/** The files name a certificate or ask for verification: that means TLS, as it does to the client, unless it is switched off. */
function tlsOptions(last: LastOptions): ClientTls | undefined {
  // MySQL's name for the whole choice.
  const mode = last.oneOf("ssl_mode", ["DISABLED", "PREFERRED", "REQUIRED", "VERIFY_CA", "VERIFY_IDENTITY"]);
  const verify = last.flag("ssl_verify_server_cert");
  const verifyHost = mode === "VERIFY_IDENTITY" || verify === true;
  const tls: ClientTls = {
    ca: last.text("ssl_ca"),
    cert: last.text("ssl_cert"),
    key: last.text("ssl_key"),
    cipher: last.text("ssl_cipher"),
    verifyCertificate: mode === "VERIFY_CA" || verifyHost,
    verifyHost,
    versions: splitList(last.text("tls_version") ?? ""),
  };
  const flag = last.flag("ssl");
  if (mode === "DISABLED" || flag === false) return undefined;
  const implied = verifyHost || mode === "REQUIRED" || mode === "VERIFY_CA";
  const files = tls.ca !== undefined || tls.cert !== undefined || tls.key !== undefined;
  return flag === true || implied || files ? tls : undefined;
}

function seconds(value: number | undefined): number | undefined {
  return value === undefined ? undefined : value * 1000;
}

function wrong(option: MyCnfOption, right: string): SluiceError {
  const what = `${option.name}=${option.value ?? ""} is not possible; expected ${right}`;
  return new SluiceError("CONFIG_INVALID", `${formatPlace(option.at)}: ${what}`);
}
