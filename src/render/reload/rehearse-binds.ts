import { createServer, isIP } from "node:net";
import { SluiceError } from "../../errors/sluice-error.ts";
import type { ListeningAddress } from "./process-table.ts";

/**
 * Binds what a new configuration binds and the old process does not, and lets go of it. `haproxy -c` does not look, and a HAProxy that
 * fails to bind pauses the old one for the seconds that it tries. Throws HAPROXY_REFUSED naming the address.
 */
export async function rehearseBinds(text: string, held: readonly ListeningAddress[]): Promise<void> {
  const ports = new Set(held.map(({ port }) => port));
  for (const { host, port } of boundAddresses(text)) {
    if (!ports.has(port)) await tryBind(host, port);
  }
}

/** The addresses of `bind` lines that are plain: no unix socket, no variable, no name, no range of ports. */
export function boundAddresses(text: string): readonly ListeningAddress[] {
  return text.split("\n").flatMap((line) => {
    const [word, addresses = "", ...rest] = line.trim().split(/\s+/);
    // A transparent bind may have an address of no interface.
    if (word !== "bind" || rest.includes("transparent")) return [];
    return addresses.split(",").flatMap(boundAddress);
  });
}

function boundAddress(word: string): readonly ListeningAddress[] {
  const [, family, address = "", digits] = /^(?:(ipv[46])@)?\[?(.*?)\]?:(\d+)$/.exec(word) ?? [];
  const port = Number(digits);
  if (digits === undefined || port < 1 || port > 65_535) return [];
  const host = address === "" || address === "*" ? (family === "ipv6" ? "::" : "0.0.0.0") : address;
  return isIP(host) === 0 ? [] : [{ host, port }];
}

function tryBind(host: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.on("error", (error: NodeJS.ErrnoException) => {
      const why = WORDS[error.code ?? ""] ?? error.message;
      reject(
        new SluiceError(
          "HAPROXY_REFUSED",
          `nothing was changed: it cannot bind ${host} port ${port}: ${why}`,
        ),
      );
    });
    server.listen({ host, port, ipv6Only: true }, () => server.close(() => resolve()));
  });
}

const WORDS: Readonly<Record<string, string>> = {
  EADDRINUSE: "another program has it",
  EADDRNOTAVAIL: "no interface of this host has that address",
  EACCES: "only root may",
};
