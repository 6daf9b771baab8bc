import { lookup } from "node:dns/promises";
import { isIP } from "node:net";
import type { Clock } from "../../telemetry/clock.ts";

/** What is known of hosts that were looked up. */
export interface KnownHosts {
  /** Equal words, or words that lead to the same address. */
  isSame(a: string, b: string): boolean;
  /** It is an address, or a name that leads to one. */
  isFound(host: string): boolean;
}

/** Names that take longer to resolve are not waited for, ms. */
const RESOLVE_MS = 1000;

/** Looks hosts up, all at once. Never rejects: a name that nobody knows is the same as itself only. */
export async function lookUpHosts(hosts: readonly string[], clock: Clock): Promise<KnownHosts> {
  const words = [...new Set(hosts.map((host) => host.toLowerCase()))];
  const found = new Map<string, readonly string[]>(
    words.filter((word) => isIP(word) !== 0).map((word) => [word, [word]]),
  );
  const names = words.filter((word) => isIP(word) === 0);
  const all = Promise.all(names.map(async (name) => found.set(name, await addressesOf(name))));
  await new Promise<void>((resolve) => {
    const cancel = clock.after(RESOLVE_MS, resolve);
    void all.then(() => {
      cancel();
      resolve();
    });
  });
  const known = (host: string): readonly string[] => [
    host.toLowerCase(),
    ...(found.get(host.toLowerCase()) ?? []),
  ];
  return {
    isSame: (a, b) => known(a).some((address) => known(b).includes(address)),
    isFound: (host) => (found.get(host.toLowerCase())?.length ?? 0) > 0,
  };
}

async function addressesOf(name: string): Promise<readonly string[]> {
  try {
    return (await lookup(name, { all: true })).map(({ address }) => address);
  } catch {
    return [];
  }
}
