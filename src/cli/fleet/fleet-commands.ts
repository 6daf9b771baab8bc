import type { FleetCommand } from "./action.ts";

/** The commands of the fleet, by name, with nothing loaded. */
export const FLEET_COMMANDS = {
  status: async () => (await import("./commands/status.ts")).command,
  list: async () => (await import("./commands/list.ts")).command,
  show: async () => (await import("./commands/show.ts")).command,
  explain: async () => (await import("./commands/explain.ts")).command,
  events: async () => (await import("./commands/events.ts")).command,
  create: async () => (await import("./commands/create.ts")).command,
  alter: async () => (await import("./commands/alter.ts")).command,
  destroy: async () => (await import("./commands/destroy.ts")).command,
  link: async () => (await import("./commands/link.ts")).command,
  unlink: async () => (await import("./commands/link.ts")).unlinkCommand,
  set: async () => (await import("./commands/set.ts")).command,
  clear: async () => (await import("./commands/set.ts")).clearCommand,
  start: async () => (await import("./commands/run-state.ts")).startCommand,
  stop: async () => (await import("./commands/run-state.ts")).stopCommand,
  restart: async () => (await import("./commands/run-state.ts")).restartCommand,
  call: async () => (await import("./commands/call.ts")).command,
  reload: async () => (await import("./commands/reload.ts")).command,
  upgrade: async () => (await import("./commands/upgrade.ts")).command,
} as const satisfies Record<string, () => Promise<FleetCommand>>;

export type FleetCommandName = keyof typeof FLEET_COMMANDS;

export const isFleetCommand = (name: string): name is FleetCommandName => Object.hasOwn(FLEET_COMMANDS, name);
