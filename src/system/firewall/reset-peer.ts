import { libc } from "../libc.ts";
import { socketAddress } from "../socket-address.ts";
import { AF_INET6, SO_REUSEADDR, SOL_SOCKET } from "../socket-numbers.ts";
import type { Address } from "./conntrack.ts";

const SOCK_STREAM_CLOEXEC_NONBLOCK = 1 | 0o2000000 | 0o4000;
const SOL_IP = 0;
const SOL_IPV6 = 41;
const IP_TRANSPARENT = 19;
const IPV6_TRANSPARENT = 75;

/**
 * Makes one end of a connection find out that the other is gone, though the connection was never ours and its sequence numbers
 * are unknown: TCP's own way after a crash (RFC 9293, 3.5.1; RFC 5961, 4.2). Somebody who knows nothing of the connection opens
 * it anew from the same address; the end that believes in it answers with its numbers, and is reset with just those.
 *
 *   pretended ── SYN ──▶ peer ── "no, I am at 4711" ──▶ nobody waits for that: RST 4711 ──▶ peer
 *
 * Needs CAP_NET_ADMIN where the address is another host's. Resolves to whether the question was sent; a peer that cannot be
 * reached is not reset. Nor is one whose answer to another host comes before this function has returned, as it does between
 * namespaces of one machine: the kernel passes nothing on that it has a socket for.
 * A connection that is translated at the moment is safe from it: the kernel sees that the pretended address is taken there, and asks
 * from another port.
 * @param pretended where the peer believes to be connected to
 */
export async function resetPeer(pretended: Address, peer: Address): Promise<boolean> {
  const { socket, setsockopt, bind, connect, close, errno, ptr } = await libc();
  const { family, bytes: to } = socketAddress(peer.address, peer.port);
  const isV6 = family === AF_INET6;
  const fd = socket(family, SOCK_STREAM_CLOEXEC_NONBLOCK, 0);
  if (fd < 0) return false;
  try {
    const on = ptr(new Int32Array([1]));
    setsockopt(fd, isV6 ? SOL_IPV6 : SOL_IP, isV6 ? IPV6_TRANSPARENT : IP_TRANSPARENT, on, 4);
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, on, 4);
    const { bytes: from } = socketAddress(pretended.address, pretended.port);
    if (bind(fd, ptr(from), from.length) !== 0) return false;
    return connect(fd, ptr(to), to.length) === 0 || errno() === EINPROGRESS;
  } finally {
    // Whether the answer meets the socket or nobody, it is reset; and nothing is ever sent again.
    close(fd);
  }
}

const EINPROGRESS = 115;
