const SHUT_WR = 1;

/**
 * Tells the peer of a connected socket that nothing more will come, while it may still send: shutdown(2). A socket that
 * is closed with unread bytes resets the connection, and the peer may lose the answer; this is the way round it.
 */
export async function halfClose(fd: number): Promise<void> {
  // node: can do this only to sockets it has opened itself; see docs/decisions/0003-libc-through-ffi.md.
  const { dlopen } = await import("bun:ffi");
  dlopen("libc.so.6", { shutdown: { args: ["int", "int"], returns: "int" } }).symbols.shutdown(fd, SHUT_WR);
}
