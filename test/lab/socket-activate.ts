import type { Host } from "./host.ts";
import type { Process } from "./process.ts";

export interface Activation {
  readonly port: number;
  /** Each connection starts a program of its own, with it as standard input and output (Accept=yes). Default true.
   * Else the first connection starts the program once and hands it the listening socket. */
  readonly isPerConnection?: boolean;
  readonly env?: Readonly<Record<string, string>>;
}

/** Has systemd-socket-activate listen and start `argv` when somebody connects, as systemd does for a .socket unit. */
export async function socketActivate(
  host: Host,
  argv: readonly string[],
  activation: Activation,
): Promise<Process> {
  const { port, isPerConnection = true, env = {} } = activation;
  const options = [`--listen=${port}`, ...(isPerConnection ? ["--accept", "--inetd"] : [])];
  const passed = Object.entries(env).map(([name, value]) => `--setenv=${name}=${value}`);
  const process = await host.spawn(["systemd-socket-activate", ...options, ...passed, ...argv]);
  await host.untilListening(process, [port]);
  return process;
}
