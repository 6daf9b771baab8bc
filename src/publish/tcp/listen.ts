import type { Server } from "node:net";
import { SluiceError } from "../../errors/sluice-error.ts";
import { SOCKETS } from "../../system/socket-register.ts";
import { type Endpoint, formatHostPort } from "../../topology/endpoint.ts";

/** Where a publisher listens. `::` is every address of both families; a file descriptor is an inherited listening socket. */
export type ListenAddress =
  | { readonly kind: "tcp"; readonly host: string; readonly port: number }
  | { readonly kind: "fd"; readonly fd: number };

/**
 * Starts listening, on the inherited socket where there is one for this address. On a machine without IPv6, `::` means every
 * IPv4 address.
 * @returns where it listens, for the log
 * @throws SluiceError ADDRESS_IN_USE, FORBIDDEN, CONFIG_INVALID (no such address here) or IO_FAILED, naming the address
 */
export async function listen(server: Server, address: ListenAddress): Promise<string> {
  const [inherited] = address.kind === "tcp" ? SOCKETS.take(address) : [];
  try {
    await listenOnce(server, inherited === undefined ? address : { fd: inherited });
  } catch (error) {
    if (address.kind === "tcp" && address.host === "::" && mayLackIpv6(error)) {
      return await listen(server, { ...address, host: "0.0.0.0" });
    }
    throw listenError(error, formatAddress(address));
  }
  if (address.kind === "fd") return formatAddress(address);
  const bound = server.address();
  const port = bound !== null && typeof bound === "object" ? bound.port : address.port;
  noteDescriptor(server, { ...address, port });
  return formatAddress({ ...address, port });
}

function formatAddress(address: ListenAddress): string {
  return address.kind === "fd"
    ? `inherited socket ${address.fd}`
    : formatHostPort(address.host, address.port);
}

/** The descriptor a server listens on, which Bun, like Node, tells in its handle only. */
export function descriptorOf(server: Server): number | undefined {
  const { _handle: handle } = server as { readonly _handle?: { readonly fd?: unknown } | null };
  return typeof handle?.fd === "number" && handle.fd >= 0 ? handle.fd : undefined;
}

/** A successor of this process listens there as well. */
export function noteDescriptor(server: Server, place: Endpoint): void {
  const fd = descriptorOf(server);
  if (fd !== undefined) SOCKETS.note(fd, place);
}

/** Listens on what node:net takes, and settles when it does or cannot. */
export function listenOnce(
  server: Server,
  target: { host: string; port: number } | { fd: number } | { path: string },
) {
  return new Promise<void>((resolve, reject) => {
    const settle = (error?: Error): void => {
      server.off("listening", settle);
      server.off("error", settle);
      if (error === undefined) resolve();
      else reject(error);
    };
    server.once("listening", settle);
    server.once("error", settle);
    server.listen({ ...target, ipv6Only: false });
  });
}

/** Says in a sentence why nobody can listen at `where`. */
export function listenError(error: unknown, where: string): SluiceError {
  const options = { cause: error };
  switch (errnoOf(error)) {
    case "EADDRINUSE":
      return new SluiceError("ADDRESS_IN_USE", `cannot listen on ${where}: another program does`, options);
    case "EACCES":
    case "EPERM":
      return new SluiceError("FORBIDDEN", `cannot listen on ${where}: not permitted for this user`, options);
    case "EADDRNOTAVAIL":
      return new SluiceError(
        "CONFIG_INVALID",
        `cannot listen on ${where}: this host has no such address`,
        options,
      );
    default:
      return new SluiceError("IO_FAILED", `cannot listen on ${where}: ${String(error)}`, options);
  }
}

// Bun 1.4 gives no code where the kernel says EAFNOSUPPORT, so all but the well-known reasons may be that one.
function mayLackIpv6(error: unknown): boolean {
  return !["EADDRINUSE", "EACCES", "EPERM", "EMFILE", "ENFILE"].includes(errnoOf(error) ?? "");
}

export function errnoOf(error: unknown): string | undefined {
  return error instanceof Error && "code" in error && typeof error.code === "string" ? error.code : undefined;
}
