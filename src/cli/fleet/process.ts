import type { Command as Program } from "commander";
import { processSurroundings } from "./fleet.ts";
import { FLEET_COMMANDS, type FleetCommandName } from "./fleet-commands.ts";
import { runFleetCommand } from "./run-action.ts";

/** Runs a command of the fleet in this process; resolves to the exit code. */
export async function runFleet(name: FleetCommandName, args: readonly string[]): Promise<number> {
  return await runFleetCommand(await FLEET_COMMANDS[name](), args, processSurroundings());
}

/** Its help; `words` are what follows it on the line. */
export async function programOfFleet(name: FleetCommandName, words: readonly string[]): Promise<Program> {
  const [command, { fleetProgram }] = await Promise.all([FLEET_COMMANDS[name](), import("./fleet-help.ts")]);
  return fleetProgram(command, words);
}
