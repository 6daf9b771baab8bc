import { IPPROTO_TCP, SOL_SOCKET } from "./socket-numbers.ts";

/** When the kernel finds a silent peer dead: after 60 s without a word it asks every 10 s, and gives up after the sixth. */
const IDLE_SECONDS = 60;
const INTERVAL_SECONDS = 10;
const PROBES = 6;

const SO_KEEPALIVE = 9;
const TCP_NODELAY = 1;
const TCP_KEEPIDLE = 4;
const TCP_KEEPINTVL = 5;
const TCP_KEEPCNT = 6;
const TCP_USER_TIMEOUT = 18;

type SocketOption = readonly [level: number, name: number, value: number];

/** The socket options (level, name, value) of every connection here. Accepted sockets inherit them from the listening one. */
export const CONNECTION_OPTIONS: readonly SocketOption[] = [
  [IPPROTO_TCP, TCP_NODELAY, 1],
  [SOL_SOCKET, SO_KEEPALIVE, 1],
  [IPPROTO_TCP, TCP_KEEPIDLE, IDLE_SECONDS],
  [IPPROTO_TCP, TCP_KEEPINTVL, INTERVAL_SECONDS],
  [IPPROTO_TCP, TCP_KEEPCNT, PROBES],
];

/**
 * Bytes that the peer has not acknowledged, or had no room for, for so long end the connection: keepalive looks only while none are
 * under way.
 * Accepted sockets inherit it, too. 0: the kernel's own patience, some 15 minutes.
 */
export const userTimeout = (ms: number): SocketOption => [IPPROTO_TCP, TCP_USER_TIMEOUT, ms];

/** What node: and Bun sockets can be told themselves. */
export const KEEP_ALIVE_IDLE_MS = IDLE_SECONDS * 1000;
