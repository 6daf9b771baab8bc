import { userTimeout } from "./keep-alive.ts";
import { libc } from "./libc.ts";

/** Sets how long a connected socket waits for acknowledgement (TCP_USER_TIMEOUT of tcp(7)), ms; the runtime has no call for it. */
export function setUserTimeout(socket: object, ms: number): void {
  const { fd } = socket as { readonly fd?: unknown };
  if (typeof fd !== "number" || fd < 0) return;
  const [level, option, value] = userTimeout(ms);
  void libc().then(({ setsockopt, ptr }) => setsockopt(fd, level, option, ptr(new Int32Array([value])), 4));
}
