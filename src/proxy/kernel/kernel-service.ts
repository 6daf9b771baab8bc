/**
 * proxy/kernel/: services whose connections the kernel balances (dataplane=kernel): the same routes that the workers follow, as
 * text for nftables. Pure; imports what proxy/ may.
 *
 *   ServiceRoute ─▶ KernelService ─ slots.ts: which of N draws is whose ─▶ kernel-table.ts: one script, one transaction ─▶ nft -f
 *                                          nft list table ─▶ table-listing.ts: is it as it was left; how many connections came
 */
import type { Address } from "../../system/firewall/conntrack.ts";
import type { Balance } from "../../topology/routing-table.ts";

/** Policies that rules can follow. The others need to know how many connections each server has at the moment. */
export type KernelBalance = Exclude<Balance, "least-connections" | "two-choices">;

export function isKernelBalance(balance: Balance): balance is KernelBalance {
  return balance !== "least-connections" && balance !== "two-choices";
}

export interface KernelService {
  readonly name: string;
  readonly balance: KernelBalance;
  /** Where clients connect to: IP addresses; `::` is every address of this host, `0.0.0.0` every IPv4 one. */
  readonly listeners: readonly Address[];
  /** Who gets new connections; IP addresses. An IPv4 client gets a server with an IPv4 address, and so with IPv6. */
  readonly targets: readonly KernelTarget[];
  /** Whether servers see this host as the client, so that they answer by way of it. */
  readonly masquerade: boolean;
  /** New connections are refused when nobody has renewed the service for so long, ms; 0: never. */
  readonly ttlMs: number;
}

export interface KernelTarget extends Address {
  readonly server: string;
  /** Above 0. */
  readonly weight: number;
}
