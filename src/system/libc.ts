/** The calls of libc that neither node: nor Bun offers; see docs/decisions/0003-libc-through-ffi.md. Loaded when first used. */

export type Libc = Awaited<ReturnType<typeof load>>;
let loaded: Promise<Libc> | undefined;

export async function libc(): Promise<Libc> {
  loaded ??= load();
  return await loaded;
}

async function load() {
  const { dlopen, ptr, read } = await import("bun:ffi");
  const { symbols } = dlopen("libc.so.6", {
    socket: { args: ["int", "int", "int"], returns: "int" },
    socketpair: { args: ["int", "int", "int", "ptr"], returns: "int" },
    setsockopt: { args: ["int", "int", "int", "ptr", "u32"], returns: "int" },
    getsockopt: { args: ["int", "int", "int", "ptr", "ptr"], returns: "int" },
    connect: { args: ["int", "ptr", "u32"], returns: "int" },
    bind: { args: ["int", "ptr", "u32"], returns: "int" },
    mkfifo: { args: ["ptr", "u32"], returns: "int" },
    listen: { args: ["int", "int"], returns: "int" },
    getsockname: { args: ["int", "ptr", "ptr"], returns: "int" },
    execve: { args: ["ptr", "ptr", "ptr"], returns: "int" },
    fcntl: { args: ["int", "int", "int"], returns: "int" },
    memfd_create: { args: ["ptr", "u32"], returns: "int" },
    signal: { args: ["int", "u64"], returns: "u64" },
    waitpid: { args: ["int", "ptr", "int"], returns: "int" },
    sendmsg: { args: ["int", "ptr", "int"], returns: "i64" },
    recvmsg: { args: ["int", "ptr", "int"], returns: "i64" },
    close: { args: ["int"], returns: "int" },
    __errno_location: { args: [], returns: "ptr" },
  });
  const errno = (): number => {
    const where = symbols.__errno_location();
    return where === null ? 0 : read.i32(where, 0);
  };
  return { ...symbols, ptr, errno };
}
