/** Tells systemd how the service does: sd_notify(3). */
import { unixAddress } from "./socket-address.ts";
import { AF_UNIX } from "./socket-numbers.ts";

export interface ServiceManager {
  /** `READY=1`, `RELOADING=1`, `STOPPING=1`, `WATCHDOG=1`, `STATUS=…`, `MAINPID=…`; lost silently where nobody listens. */
  notify(message: string): void;
  /** How often WATCHDOG=1 is expected, ms; undefined: no watchdog. */
  readonly watchdogMs: number | undefined;
  /** What a successor of this process needs to be heard as well. */
  readonly environment: NodeJS.ProcessEnv;
}

// node: has no datagram unix socket. libc has; see docs/decisions/0003-libc-through-ffi.md.
const SOCK_DGRAM_CLOEXEC = 2 | 0o2000000;
const MSG_NOSIGNAL = 0x4000;

const NOBODY: ServiceManager = Object.freeze({ notify: () => {}, watchdogMs: undefined, environment: {} });

/** Reads NOTIFY_SOCKET and WATCHDOG_USEC, and takes them out of the environment so that no child answers for us. */
export async function connectServiceManager(env: NodeJS.ProcessEnv): Promise<ServiceManager> {
  const path = env["NOTIFY_SOCKET"];
  const watchdogMs = watchdogInterval(env);
  const environment: NodeJS.ProcessEnv = {};
  for (const name of ["NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID"]) {
    environment[name] = env[name];
    delete env[name];
  }
  if (path === undefined || !/^[/@]/.test(path) || Buffer.byteLength(path) > 107) return NOBODY;
  const { dlopen, ptr } = await import("bun:ffi");
  const libc = dlopen("libc.so.6", {
    socket: { args: ["int", "int", "int"], returns: "int" },
    sendto: { args: ["int", "ptr", "u64", "int", "ptr", "u32"], returns: "i64" },
    close: { args: ["int"], returns: "int" },
  }).symbols;
  const address = unixAddress(path);
  return Object.freeze({
    watchdogMs,
    environment,
    notify(message: string): void {
      const fd = libc.socket(AF_UNIX, SOCK_DGRAM_CLOEXEC, 0);
      if (fd < 0) return;
      const text = Buffer.from(message);
      libc.sendto(fd, ptr(text), text.length, MSG_NOSIGNAL, ptr(address), address.length);
      libc.close(fd);
    },
  });
}

function watchdogInterval(env: NodeJS.ProcessEnv): number | undefined {
  const pid = env["WATCHDOG_PID"];
  const micros = Number(env["WATCHDOG_USEC"]);
  if ((pid !== undefined && Number(pid) !== process.pid) || !(micros > 0)) return undefined;
  return micros / 1000;
}
