/** A server of a service, as its last probe found it. */
export interface Measured {
  readonly server: string;
  /** The last good probe: when (ms since 1970; tells one probe from the next), and how long it took. */
  readonly probe: { readonly at: number; readonly tookMs: number } | undefined;
}

/** Differences below are noise: of the probe's time (ms), and of a factor against the one that is in use. */
const SHORTEST_MS = 0.1;
const TOLERANCE = 0.1;

/**
 * By how much to multiply a server's weight for its latency: the slowest server counts once, one that is twice as fast twice.
 * Latency is a running mean: each probe moves it by 1 / (samples + 1) of the difference.
 */
export class LatencyWeights {
  readonly #samples: number;
  readonly #means = new Map<string, { at: number; meanMs: number }>();
  readonly #factors = new Map<string, number>();

  constructor(samples: number) {
    this.#samples = samples;
  }

  /** The factor of each server; 1 for one that was not measured yet. */
  update(servers: readonly Measured[]): ReadonlyMap<string, number> {
    for (const server of servers) this.#note(server);
    const known = servers.flatMap(({ server }) => this.#means.get(server)?.meanMs ?? []);
    const slowest = Math.max(...known);
    return new Map(
      servers.map(({ server }) => {
        const mean = this.#means.get(server)?.meanMs;
        return [server, mean === undefined ? 1 : this.#settled(server, slowest / mean)];
      }),
    );
  }

  #note({ server, probe }: Measured): void {
    const before = this.#means.get(server);
    if (probe === undefined || probe.at === before?.at) return;
    const tookMs = Math.max(SHORTEST_MS, probe.tookMs);
    const meanMs =
      before === undefined ? tookMs : (tookMs + before.meanMs * this.#samples) / (this.#samples + 1);
    this.#means.set(server, { at: probe.at, meanMs });
  }

  /** The factor in use, unless the new one is clearly another: else every probe would bring a new routing table. */
  #settled(server: string, factor: number): number {
    const used = this.#factors.get(server);
    if (used !== undefined && Math.abs(used / factor - 1) <= TOLERANCE) return used;
    this.#factors.set(server, factor);
    return factor;
  }
}
