import { type HostPort, hostPort } from "../../config/values/address.ts";
import { SluiceError } from "../../errors/sluice-error.ts";
import { formatHostPort } from "../../topology/endpoint.ts";

/** One way to a daemon's REST API. */
export type Route =
  | { readonly kind: "socket"; readonly path: string }
  | { readonly kind: "tcp"; readonly host: string; readonly port: number; readonly secure: boolean };

/** One daemon. Its routes lead to the same program and are tried in order until one connects. */
export interface DaemonAddress {
  /** As the operator named it; for sentences and for the heading of its answer. */
  readonly name: string;
  readonly routes: readonly Route[];
}

const DEFAULT_PORT = 8989;

/** The daemon of this host: its socket, which needs no password, and its port where the socket may not be used. */
export function localDaemon(socketPath: string, secure: boolean): DaemonAddress {
  const tcp: Route = { kind: "tcp", host: "127.0.0.1", port: DEFAULT_PORT, secure };
  return { name: "this host", routes: [{ kind: "socket", path: socketPath }, tcp] };
}

/**
 * Reads `a:8989,b,https://c:8989,/run/sluice/admin.sock`: commas between, the port may be left out. Throws USAGE for what is
 * none of these and for an address that is there twice: a change would be made twice.
 */
export function parseHosts(text: string, secure: boolean): readonly DaemonAddress[] {
  const names = text.split(",").map((part) => part.trim());
  const daemons = names.map((name) => ({ name, routes: [parseRoute(name, secure)] }));
  const seen = new Set<string>();
  for (const { name, routes } of daemons) {
    const key = routes.map(formatRoute).join();
    if (seen.has(key)) throw new SluiceError("USAGE", `--hosts names ${name} twice`);
    seen.add(key);
  }
  return daemons;
}

/** `127.0.0.1:8989` or the socket's path. */
export function formatRoute(route: Route): string {
  return route.kind === "socket" ? route.path : formatHostPort(route.host, route.port);
}

function parseRoute(name: string, secure: boolean): Route {
  if (name.startsWith("/")) return { kind: "socket", path: name };
  const [, scheme, rest = ""] = /^(?:(https?):\/\/)?(.*?)\/?$/.exec(name) ?? [];
  if (rest === "") throw wrongHost(name, "no address");
  const parsed = hostPort().parse(hasPort(rest) ? rest : `${rest}:${DEFAULT_PORT}`);
  if (!parsed.ok) throw wrongHost(name, parsed.wrong);
  return tcpRoute(parsed.value, scheme === undefined ? secure : scheme === "https");
}

const hasPort = (text: string): boolean => /(^|[^:]):\d+$|\]:\d+$/.test(text);

const tcpRoute = ({ host, port }: HostPort, secure: boolean): Route => ({ kind: "tcp", host, port, secure });

const wrongHost = (name: string, wrong: string): SluiceError =>
  new SluiceError(
    "USAGE",
    `--hosts ${JSON.stringify(name)}: ${wrong}; expected HOST:PORT, https://HOST:PORT or a socket's path, with commas between`,
  );
