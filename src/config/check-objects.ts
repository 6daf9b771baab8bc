import { isLoopback } from "../topology/endpoint.ts";
import type { ConfigurationObject } from "./configuration.ts";
import type { Findings } from "./findings.ts";

/** Rules within one object, between its parameters. */
export function checkObject(object: ConfigurationObject, findings: Findings): void {
  const check = new ObjectChecks(object, findings);
  switch (object.kind) {
    case "sluice":
      checkSluice(object, check);
      break;
    case "server":
      check.exclusive(["address", "socket"], 1);
      check.exclusive(["monitorpw", "monitorpw_file"]);
      check.certificates();
      check.idleTls(object.parameters.ssl);
      break;
    case "monitor":
      check.exclusive(["password", "password_file"]);
      checkDiscovery(object, check);
      break;
    case "service":
      check.exclusive(["password", "password_file"]);
      checkTargets(check);
      checkControl(object, check);
      break;
    case "listener":
      check.exclusive(["port", "socket"], 1);
      check.certificates(object.parameters.ssl);
      check.idleTls(object.parameters.ssl);
      check.peerCertificate(object.parameters.ssl_verify_peer_certificate);
      break;
    case "publisher":
      checkPublisher(object, check);
      break;
  }
}

class ObjectChecks {
  readonly #object: ConfigurationObject;
  readonly #findings: Findings;

  constructor(object: ConfigurationObject, findings: Findings) {
    this.#object = object;
    this.#findings = findings;
  }

  has(parameter: string): boolean {
    return this.#object.given.has(parameter);
  }

  /** At most one of the parameters, and at least `atLeast` of them. */
  exclusive(names: readonly string[], atLeast: 0 | 1 = 0): void {
    const given = names.filter((name) => this.has(name));
    const choice = names.join(" or ");
    if (given.length < atLeast)
      this.problem(undefined, `neither ${names.join(" nor ")} is given`, `add ${choice}`);
    if (given.length > 1)
      this.problem(given[1], `it is given together with ${given[0]}`, `keep one: ${choice}`);
  }

  together(parameter: string, other: string): void {
    if (this.has(parameter) && !this.has(other)) {
      this.problem(parameter, `it is given without ${other}`, `add ${other}`);
    }
  }

  /** A certificate needs its key; who is connected to (`serves`) needs both. */
  certificates(serves = false, prefix = ""): void {
    this.together(`${prefix}ssl_cert`, `${prefix}ssl_key`);
    this.together(`${prefix}ssl_key`, `${prefix}ssl_cert`);
    if (!serves || this.has(`${prefix}ssl_cert`) || this.has(`${prefix}ssl_key`)) return;
    this.problem("ssl", "TLS is on without a certificate", "add ssl_cert and ssl_key");
  }

  /** Clients' certificates can only be verified by those who may have signed them. */
  peerCertificate(isVerified: boolean): void {
    if (isVerified) this.together("ssl_verify_peer_certificate", "ssl_ca");
  }

  /** Who names certificates means to encrypt; without ssl=true nothing is. */
  idleTls(isOn: boolean): void {
    const named = ["ssl_ca", "ssl_cert"].find((parameter) => this.has(parameter));
    if (!isOn && named !== undefined && !this.has("ssl"))
      this.warn(named, `${named} does nothing without ssl=true: connections are not encrypted`);
  }

  problem(parameter: string | undefined, wrong: string, right: string): void {
    const at = parameter === undefined ? undefined : this.#object.given.get(parameter)?.at;
    this.#findings.problem(
      { at: at ?? this.#object.at, section: this.#object.name, parameter },
      wrong,
      right,
    );
  }

  warn(parameter: string | undefined, message: string): void {
    const { name, at } = this.#object;
    const place = parameter === undefined ? at : (this.#object.given.get(parameter)?.at ?? at);
    this.#findings.warn(`${name}: ${message}`, { at: place, section: name, parameter }, message);
  }
}

function checkSluice({ parameters }: ConfigurationObject<"sluice">, check: ObjectChecks): void {
  check.certificates(false, "admin_");
  if (parameters.writeq_low_water > parameters.writeq_high_water) {
    check.problem(
      check.has("writeq_low_water") ? "writeq_low_water" : "writeq_high_water",
      `writeq_low_water (${parameters.writeq_low_water}) is above writeq_high_water (${parameters.writeq_high_water})`,
      "make it smaller",
    );
  }
  const plain = parameters.admin_enabled && !check.has("admin_ssl_cert") && !parameters.admin_insecure;
  if (plain && !isLoopback(parameters.admin_host)) {
    check.warn(
      "admin_host",
      "the REST API will not listen beyond this host without TLS; set admin_ssl_cert and admin_ssl_key, or admin_insecure=true",
    );
  }
}

function checkTargets(check: ObjectChecks): void {
  const names = ["servers", "targets", "cluster"];
  check.exclusive(names);
  if (names.some((name) => check.has(name))) return;
  check.warn(
    undefined,
    "it has none of servers, targets and cluster, and serves nobody; `sluice link service` adds servers",
  );
}

function checkDiscovery({ module, parameters }: ConfigurationObject<"monitor">, check: ObjectChecks): void {
  if (module !== "portmon" || !parameters.discover || parameters.watchdog !== undefined) return;
  const right = "add watchdog, or use module=galeramon with an account";
  check.problem("discover", "a port does not tell who the members of a cluster are", right);
}

/** GLB's protocol has no password: who may reach it may change everything. */
function checkControl(service: ConfigurationObject<"service">, check: ObjectChecks): void {
  if (service.module !== "readconnroute") return;
  check.together("control_only_from", "control");
  const { control, control_only_from: onlyFrom } = service.parameters;
  if (control === undefined || onlyFrom !== undefined || isLoopback(control.host)) return;
  check.problem(
    "control",
    "it would listen beyond this host, and it asks nobody for a password",
    "add control_only_from with the networks that may use it, or listen on 127.0.0.1",
  );
}

function checkPublisher(object: ConfigurationObject<"publisher">, check: ObjectChecks): void {
  check.exclusive(["server", "service", "monitor"], object.module === "notify" ? 0 : 1);
  switch (object.module) {
    case "http":
      check.together("auth_user", "auth_password");
      check.together("auth_password", "auth_user");
      check.certificates(object.parameters.ssl);
      check.peerCertificate(object.parameters.ssl_verify_peer_certificate);
      break;
    case "port-gate":
      if (object.parameters.mirror_port === object.parameters.real_port) {
        check.problem("mirror_port", "it is the real port", "choose another port than real_port");
      }
      break;
    case "notify":
      check.exclusive(["password", "password_file"]);
      break;
    case "agent-check":
    case "track-file":
    case "haproxy-socket":
      break;
  }
}
