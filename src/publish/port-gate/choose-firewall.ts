import { SluiceError } from "../../errors/sluice-error.ts";
import type { Firewall } from "./firewall.ts";

export interface Chosen {
  readonly firewall: Firewall;
  readonly isOpen: boolean;
}

/**
 * The first firewall that works here, prepared. Where none does: what is missing or not permitted for each.
 * @param candidates in order of preference
 */
export async function chooseFirewall(candidates: readonly Firewall[]): Promise<Chosen> {
  const failures: SluiceError[] = [];
  for (const firewall of candidates) {
    try {
      return { firewall, isOpen: await firewall.prepare() };
    } catch (error) {
      if (!(error instanceof SluiceError)) throw error;
      failures.push(error);
      await firewall.leave();
      // Another firewall would want the same privilege.
      if (error.code === "FIREWALL_DENIED") break;
    }
  }
  const [first] = failures;
  const sentences = failures.map(({ message }) => message).join("; or: ");
  throw new SluiceError(first?.code ?? "FIREWALL_FAILED", sentences);
}
