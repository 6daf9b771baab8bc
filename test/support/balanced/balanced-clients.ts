import { describe } from "bun:test";
import type { BalancedAddress } from "./balanced-address.ts";
import { driversPass } from "./drivers.ts";
import { programsPass } from "./programs.ts";
import { protocolPasses } from "./protocol.ts";

/** Every check of real clients against one address. @param at asked when a test runs, not before */
export function balancedClientsPass(name: string, at: () => BalancedAddress): void {
  describe(name, () => {
    programsPass(at);
    driversPass(at);
    protocolPasses(at);
  });
}
