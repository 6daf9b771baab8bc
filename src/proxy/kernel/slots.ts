import { RoundRobin } from "../balance/round-robin.ts";
import { Source } from "../balance/source.ts";
import type { KernelBalance, KernelTarget } from "./kernel-service.ts";

/** Weights are kept to a thousandth of their sum, or better. */
const MOST_SLOTS = 1000;
/** Of source hashing: enough for shares within some per cent of the weights. */
const SOURCE_SLOTS = 1024;

/**
 * Who gets a connection that draws number i, for i from 0: as many slots as numbers can be drawn. What draws is the kernel:
 * a counter (round-robin), chance (random), or a hash of the client's address (source).
 * @param targets at least one; one only for `single`
 */
export function slotsOf(balance: KernelBalance, targets: readonly KernelTarget[]): readonly KernelTarget[] {
  switch (balance) {
    case "single":
      return targets.slice(0, 1);
    case "random":
      return wholeShares(targets).flatMap(({ target, weight }) => Array<KernelTarget>(weight).fill(target));
    case "round-robin":
      return inTurn(wholeShares(targets));
    case "source":
      return bySource(targets);
  }
}

/** One round: the heavy servers' turns lie between those of the light ones. */
function inTurn(shares: readonly Share[]): readonly KernelTarget[] {
  const policy = new RoundRobin();
  const candidates = shares.map((share) => ({ ...share, server: share.target.server, connections: 0 }));
  const count = shares.reduce((sum, { weight }) => sum + weight, 0);
  return Array.from({ length: count }, () => policy.pick(candidates)).flatMap((pick) => pick?.target ?? []);
}

/** Each slot is what a client is to the workers: a server that comes or goes moves its own slots only, and so its own clients. */
function bySource(targets: readonly KernelTarget[]): readonly KernelTarget[] {
  const policy = new Source();
  const candidates = targets.map((target) => ({ ...target, connections: 0, target }));
  return Array.from({ length: SOURCE_SLOTS }, (_, slot) => policy.pick(candidates, `slot ${slot}`)).flatMap(
    (pick) => pick?.target ?? [],
  );
}

interface Share {
  readonly target: KernelTarget;
  /** A whole number. */
  readonly weight: number;
}

/** The weights as the smallest whole numbers that stand in the same proportion; rounded where their sum would be too large. */
function wholeShares(targets: readonly KernelTarget[]): readonly Share[] {
  // Weights have six decimals at most.
  const millionths = targets.map(({ weight }) => Math.max(1, Math.round(weight * 1e6)));
  const divisor = millionths.reduce(greatestCommonDivisor);
  const total = millionths.reduce((sum, each) => sum + each, 0);
  const unit = Math.max(divisor, total / MOST_SLOTS);
  return targets.map((target, i) => ({
    target,
    weight: Math.max(1, Math.round((millionths[i] ?? 0) / unit)),
  }));
}

function greatestCommonDivisor(a: number, b: number): number {
  return b === 0 ? a : greatestCommonDivisor(b, a % b);
}
