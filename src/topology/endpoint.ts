/** Where a server is reached: a TCP address (name, IPv4 or IPv6 without brackets) or a unix socket. */
export type Endpoint =
  | { readonly kind: "tcp"; readonly host: string; readonly port: number }
  | { readonly kind: "socket"; readonly path: string };

/** `host:port`, `[v6]:port` or the socket's path: for logs, tables and sentences. */
export function formatEndpoint(endpoint: Endpoint): string {
  if (endpoint.kind === "socket") return endpoint.path;
  return formatHostPort(endpoint.host, endpoint.port);
}

/** `host:port` with brackets round an IPv6 address. */
export function formatHostPort(host: string, port: number): string {
  return host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
}

/** Only this host reaches it. */
export function isLoopback(host: string): boolean {
  return host === "localhost" || host === "::1" || /^127\.\d+\.\d+\.\d+$/.test(host);
}
