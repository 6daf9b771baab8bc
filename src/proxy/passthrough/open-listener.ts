import type { Socket, SocketHandler, SocketListener, UnixSocketOptions } from "bun";
import { LEG_HANDLERS, type Leg, type LegSocket } from "./leg.ts";
import type { ServiceTraffic } from "./service-traffic.ts";
import type { TrustedNetworks } from "./trusted-networks.ts";

/** A descriptor that listens already, or (tests) an address. */
export type ListenPlace =
  | { readonly kind: "fd"; readonly fd: number }
  | { readonly kind: "tcp"; readonly hostname: string; readonly port: number };

export interface OpenListener {
  /** 0 where the place is no TCP port. */
  readonly port: number;
  /** Accepts no more; sessions go on. */
  close(): void;
}

/** Accepts clients for a service from now on. Throws what the runtime throws where it cannot. */
export function openListener(
  name: string,
  place: ListenPlace,
  traffic: ServiceTraffic,
  trusted: TrustedNetworks,
): OpenListener {
  return openListenerFor<Leg>(LEG_HANDLERS, place, (socket: LegSocket) =>
    traffic.accept(socket, name, !trusted.isEmpty && trusted.has(socket.remoteAddress)),
  );
}

/** The same for sockets with other handlers, which `accept` gives their data. */
export function openListenerFor<Data>(
  own: SocketHandler<Data>,
  place: ListenPlace,
  accept: (socket: Socket<Data>) => void,
): OpenListener {
  const handlers = { ...own, open: accept };
  const where = place.kind === "fd" ? { fd: place.fd } : { hostname: place.hostname, port: place.port };
  // Bun 1.4.5 listens on descriptors that it is given, though its types do not say so.
  const options: unknown = { ...where, allowHalfOpen: true, socket: handlers };
  const listener: SocketListener<Data> & { readonly port?: number } = Bun.listen<Data>(
    options as UnixSocketOptions<Data>,
  );
  return { port: listener.port ?? 0, close: () => listener.stop() };
}
