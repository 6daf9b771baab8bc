import { readFileSync } from "node:fs";

/** Descriptors that a process needs for itself. */
const OWN = 38;

/** How many connections a process can pass through: each has two sides, and each side a descriptor. */
export function connectionsPerProcess(limits = readFileSync("/proc/self/limits", "utf8")): number {
  const [, soft] = /^Max open files\s+(\S+)/m.exec(limits) ?? [];
  const files = Number(soft);
  return Number.isInteger(files) ? Math.max(0, Math.floor((files - OWN) / 2)) : UNLIMITED;
}

const UNLIMITED = 1_000_000;
