const F_DUPFD_CLOEXEC = 1030;

/** What node: does not offer for sockets that listen; see docs/decisions/0003-libc-through-ffi.md. */
export interface ListeningSockets {
  /** Another descriptor of the same socket, which no child process inherits: fcntl(2). undefined: none is free. */
  duplicate(fd: number): number | undefined;
  /** How many clients may wait to be accepted: listen(2). The kernel takes its own limit (net.core.somaxconn) if that is less. */
  setBacklog(fd: number, clients: number): void;
}

export async function loadListeningSockets(): Promise<ListeningSockets> {
  const { dlopen } = await import("bun:ffi");
  const { fcntl, listen } = dlopen("libc.so.6", {
    fcntl: { args: ["int", "int", "int"], returns: "int" },
    listen: { args: ["int", "int"], returns: "int" },
  }).symbols;
  return Object.freeze({
    duplicate(fd: number): number | undefined {
      const made = fcntl(fd, F_DUPFD_CLOEXEC, 0);
      return made < 0 ? undefined : made;
    },
    setBacklog(fd: number, clients: number): void {
      listen(fd, clients);
    },
  });
}
