import { SluiceError } from "../../errors/sluice-error.ts";
import type { CommandResult } from "../run-command.ts";

export type FirewallName = "nftables" | "iptables";

const PACKAGES: Readonly<Record<string, string>> = {
  nft: "apt-get install nftables, or dnf install nftables",
  iptables: "apt-get install iptables, or dnf install iptables-nft",
  ip6tables: "apt-get install iptables, or dnf install iptables-nft",
  conntrack: "apt-get install conntrack, or dnf install conntrack-tools",
};

/** Why a command of the firewall failed, with what to do about it: FIREWALL_MISSING, FIREWALL_DENIED or FIREWALL_FAILED. */
export function firewallError(program: string, result: CommandResult): SluiceError {
  const words = (result.stderr || result.stdout).trim().split("\n");
  if (result.code === 127) {
    const tool = program.replace(/-restore$/, "");
    return new SluiceError(
      "FIREWALL_MISSING",
      `${program} is not installed: ${PACKAGES[tool] ?? `install ${tool}`}`,
    );
  }
  const said = words.find((line) => line.trim() !== "" && !line.startsWith("#"))?.trim() ?? "it said nothing";
  if (/not permitted|permission denied|must be root/i.test(result.stderr)) {
    return new SluiceError(
      "FIREWALL_DENIED",
      `${program} may not change the firewall (${said}): start as root, or give the process CAP_NET_ADMIN`,
    );
  }
  const end = result.code === null ? "took too long" : `ended with ${result.code}`;
  return new SluiceError("FIREWALL_FAILED", `${program} ${end}: ${said}`);
}
