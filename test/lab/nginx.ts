import { writeConfiguration } from "./configured-daemon.ts";
import type { Host } from "./host.ts";
import type { Process } from "./process.ts";

/**
 * Starts nginx and resolves once it listens on the ports.
 * @param configuration sections `stream { … }` and `http { … }`; the rest is the lab's
 */
export async function startNginx(
  host: Host,
  configuration: string,
  ports: readonly number[],
): Promise<Process> {
  const { folder, file } = writeConfiguration(host, "nginx", (inside) =>
    [
      "daemon off;",
      `pid ${inside}/nginx.pid;`,
      "load_module /usr/lib/nginx/modules/ngx_stream_module.so;",
      "error_log stderr notice;",
      "events { worker_connections 1024; }",
      configuration,
      "",
    ].join("\n"),
  );
  const process = await host.spawn(["nginx", "-p", folder, "-e", "stderr", "-c", file]);
  await host.untilListening(process, ports);
  return process;
}
