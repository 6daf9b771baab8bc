import { type Listener, tcpListeners } from "../../system/tcp-listeners.ts";
import { type Finding, isError, isOk } from "./finding.ts";

/** Is the port of the health checks ours, or free? */
export function examinePort(port: number): readonly Finding[] {
  const listeners = tcpListeners(port);
  if (listeners.length === 0) return [isOk(`port ${port}`, "nobody listens on it")];
  return listeners.map((listener) => judgeListener(port, listener));
}

export function judgeListener(port: number, { pid, program }: Listener): Finding {
  const subject = `port ${port}`;
  if (program === undefined) {
    return isError(subject, "a program of another user listens on it", "run this as root to learn which");
  }
  if (program === "sluice") return isOk(subject, `sluice answers on it (process ${pid})`);
  const remedy =
    program === "xinetd"
      ? `put \`disable = yes\` into its service on port ${port} in /etc/xinetd.d, and reload it`
      : program === "systemd"
        ? `\`systemctl list-sockets\` names the unit on port ${port}: disable it`
        : "stop it, or give the agent another --http-port";
  return isError(subject, `${program} listens on it (process ${pid}), so the agent cannot`, remedy);
}
