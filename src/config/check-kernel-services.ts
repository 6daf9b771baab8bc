import { isIP } from "node:net";
import { isLoopback } from "../topology/endpoint.ts";
import type {
  Configuration,
  ConfigurationObject,
  ListenerObject,
  ServerObject,
  ServiceObject,
} from "./configuration.ts";
import type { Findings } from "./findings.ts";
import { serversOf } from "./servers-of-service.ts";

type KernelService = Extract<ServiceObject, { module: "readconnroute" }>;

/** Rules of nftables can do less than a process: what a service with dataplane=kernel asks for in vain is a mistake. */
export function checkKernelServices(configuration: Configuration, findings: Findings): void {
  for (const service of configuration.services.values()) {
    if (service.module !== "readconnroute") continue;
    if (service.parameters.dataplane === "user") {
      checkUnused(service, findings);
      continue;
    }
    checkService(service, findings);
    for (const listener of configuration.listeners.values())
      if (listener.parameters.service === service.name) checkListener(listener, findings);
    for (const name of serversOf(service, configuration)) {
      const server = configuration.servers.get(name);
      if (server !== undefined) checkServer(server, service.name, findings);
    }
  }
}

const OR_USER = "or use dataplane=user";

function checkService(service: KernelService, findings: Findings): void {
  const { parameters: p, given } = service;
  if (p.balance === "least-connections" || p.balance === "two-choices") {
    const which = given.has("balance") ? p.balance : `${p.balance}, the default,`;
    refuse(
      service,
      "balance",
      `dataplane=kernel cannot do ${which} because rules do not know how busy each server is`,
      `set balance to round-robin, random, source or single, ${OR_USER}`,
      findings,
    );
  }
  const limits = {
    max_connections: [p.max_connections > 0, "rules do not limit connections"],
    queue_timeout: [p.queue_timeout > 0, "the kernel keeps nobody waiting"],
    wait_timeout: [p.wait_timeout > 0, "only the servers know which sessions are idle"],
    net_write_timeout: [p.net_write_timeout > 0, "only the servers know which clients are slow"],
    connect_timeout: [given.has("connect_timeout"), "clients connect to the servers themselves"],
  } as const;
  for (const [parameter, [isAskedFor, why]] of Object.entries(limits))
    if (isAskedFor)
      refuse(
        service,
        parameter,
        `dataplane=kernel cannot do it: ${why}`,
        `leave it out, ${OR_USER}`,
        findings,
      );
  if (p.kernel_ttl > 0 && p.kernel_ttl < LEAST_TTL_MS)
    refuse(service, "kernel_ttl", "it is too short to be renewed in time", "set 1s or more, or 0", findings);
}

/** Renewals run once a second, and a third of the time must do. */
const LEAST_TTL_MS = 1000;

function checkListener(listener: ListenerObject, findings: Findings): void {
  const { parameters: p } = listener;
  const no = (parameter: string, why: string, right: string): void =>
    refuse(listener, parameter, `its service has dataplane=kernel: ${why}`, `${right}, ${OR_USER}`, findings);
  if (p.socket !== undefined) no("socket", "rules lead TCP connections only", "give a port");
  if (isIP(p.address) === 0)
    no("address", "rules need an address, and this is a name", "give the IP address");
  if (p.ssl) no("ssl", "the kernel passes TLS through to the server", "set ssl on the servers");
  if (p.proxy_protocol_networks !== undefined)
    no("proxy_protocol_networks", "the kernel reads no header", "leave it out");
}

function checkServer(server: ServerObject, service: string, findings: Findings): void {
  const { parameters: p } = server;
  const no = (parameter: string, why: string, right: string): void =>
    refuse(
      server,
      parameter,
      `the service ${service} has dataplane=kernel: ${why}`,
      `${right}, ${OR_USER}`,
      findings,
    );
  if (p.socket !== undefined) no("socket", "rules lead to TCP ports only", "give address and port");
  else if (isIP(p.address ?? "") === 0)
    no("address", "rules need an address, and this is a name", "give the IP address");
  else if (isLoopback(p.address ?? ""))
    no(
      "address",
      "clients of other hosts cannot be led to a loopback address",
      "give an address of this host",
    );
  if (p.proxy_protocol !== "off")
    no("proxy_protocol", "the kernel sends no header", "let kernel_masquerade=false show the client");
  if (p.max_routing_connections > 0)
    no("max_routing_connections", "rules do not limit connections", "leave it out");
}

function checkUnused(service: KernelService, findings: Findings): void {
  for (const parameter of ["kernel_ttl", "kernel_masquerade", "kernel_keep_on_exit"]) {
    const at = service.given.get(parameter)?.at;
    if (service.given.has(parameter))
      findings.warn(
        `${service.name}: ${parameter}`,
        { at, section: service.name, parameter },
        "it means nothing without dataplane=kernel",
      );
  }
}

function refuse(
  object: ConfigurationObject,
  parameter: string,
  wrong: string,
  right: string,
  findings: Findings,
): void {
  const given = object.given.get(parameter);
  const found = given === undefined ? undefined : String(given.text);
  findings.problem({ at: given?.at ?? object.at, section: object.name, parameter, found }, wrong, right);
}
