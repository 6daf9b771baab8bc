import { formatHostPort } from "../topology/endpoint.ts";
import { checkKernelServices } from "./check-kernel-services.ts";
import type { Configuration, ConfigurationObject, ServerObject } from "./configuration.ts";
import type { Findings } from "./findings.ts";
import type { Place } from "./problem.ts";

/** Rules between the objects: what two of them may not share, and circles. */
export function checkFleet(configuration: Configuration, findings: Findings): void {
  checkListening(configuration, findings);
  checkEndpoints([...configuration.servers.values()], findings);
  checkMonitored(configuration, findings);
  checkCircles(configuration, findings);
  checkKernelServices(configuration, findings);
}

/** A port or socket that the daemon would listen on, and who wants it. */
interface Listening {
  readonly object: ConfigurationObject;
  readonly parameter: string;
  /** Undefined for a unix socket. */
  readonly port: number | undefined;
  readonly address: string;
}

function checkListening(configuration: Configuration, findings: Findings): void {
  const taken: Listening[] = [];
  for (const wanted of listening(configuration)) {
    const clash = taken.find((other) => overlaps(other, wanted));
    taken.push(wanted);
    if (clash === undefined) continue;
    const { object, parameter } = wanted;
    const subject = { at: placeOf(object, parameter), section: object.name, parameter, found: shown(wanted) };
    const wrong = `[${clash.object.name}] listens there already (${clash.parameter}=${shown(clash)})`;
    findings.problem(subject, wrong, "choose another address or port");
  }
}

function* listening({ sluice, services, listeners, publishers }: Configuration): Generator<Listening> {
  const { admin_enabled, admin_host, admin_port, admin_socket } = sluice.parameters;
  if (admin_enabled) yield { object: sluice, parameter: "admin_port", address: admin_host, port: admin_port };
  if (admin_socket !== undefined)
    yield { object: sluice, parameter: "admin_socket", address: admin_socket, port: undefined };
  for (const object of listeners.values()) {
    const { address, port, socket } = object.parameters;
    if (port !== undefined) yield { object, parameter: "port", address, port };
    else if (socket !== undefined) yield { object, parameter: "socket", address: socket, port };
  }
  for (const object of publishers.values()) {
    if (object.module === "http" || object.module === "agent-check") {
      yield { object, parameter: "port", address: object.parameters.address, port: object.parameters.port };
    }
  }
  for (const object of services.values()) {
    const control = object.module === "readconnroute" ? object.parameters.control : undefined;
    if (control !== undefined)
      yield { object, parameter: "control", address: control.host, port: control.port };
  }
}

function overlaps(a: Listening, b: Listening): boolean {
  if (a.port !== b.port) return false;
  if (a.address === b.address) return true;
  if (a.port === undefined) return false;
  const [one, other] = [a.address, b.address];
  // :: takes both families; 0.0.0.0 takes every IPv4 address, and names may be any.
  return [one, other].some(
    (address) => address === "::" || (address === "0.0.0.0" && !(one + other).includes(":")),
  );
}

function shown({ address, port }: Listening): string {
  return port === undefined ? address : formatHostPort(address, port);
}

function checkEndpoints(servers: readonly ServerObject[], findings: Findings): void {
  const taken = new Map<string, string>();
  for (const server of servers) {
    const { address, port, socket } = server.parameters;
    const endpoint = socket ?? (address === undefined ? undefined : formatHostPort(address, port));
    if (endpoint === undefined) continue;
    const other = taken.get(endpoint);
    if (other === undefined) taken.set(endpoint, server.name);
    else {
      const parameter = socket === undefined ? "address" : "socket";
      findings.problem(
        { at: placeOf(server, parameter), section: server.name, parameter, found: endpoint },
        `[${other}] is that server already`,
        "keep one of the two",
      );
    }
  }
}

function checkMonitored({ monitors }: Configuration, findings: Findings): void {
  const watchedBy = new Map<string, string>();
  for (const monitor of monitors.values()) {
    for (const server of monitor.parameters.servers) {
      const other = watchedBy.get(server);
      if (other === undefined) watchedBy.set(server, monitor.name);
      else {
        findings.problem(
          { at: placeOf(monitor, "servers"), section: monitor.name, parameter: "servers", found: server },
          `the monitor ${other} watches ${server} already`,
          "a server belongs to one monitor",
        );
      }
    }
  }
}

/** A service whose targets lead back to it would route for ever. Each circle is told once. */
function checkCircles({ services }: Configuration, findings: Findings): void {
  const done = new Set<string>();
  const walk = (name: string, path: readonly string[]): void => {
    const start = path.indexOf(name);
    const service = services.get(name);
    if (start >= 0 && service !== undefined) {
      const circle = [...path.slice(start), name].join(" -> ");
      const subject = { at: placeOf(service, "targets"), section: name, parameter: "targets" };
      findings.problem(subject, `the services lead in a circle: ${circle}`, "take one of them out");
    }
    if (start >= 0 || done.has(name)) return;
    for (const target of service?.parameters.targets ?? []) walk(target, [...path, name]);
    done.add(name);
  };
  for (const name of services.keys()) walk(name, []);
}

function placeOf(object: ConfigurationObject, parameter: string): Place | undefined {
  return object.given.get(parameter)?.at ?? object.at;
}
