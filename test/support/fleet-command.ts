import type { FleetCommand } from "../../src/cli/fleet/action.ts";
import type { Surroundings } from "../../src/cli/fleet/fleet.ts";
import { runFleetCommand } from "../../src/cli/fleet/run-action.ts";
import { Secret } from "../../src/config/secret.ts";
import { SluiceError } from "../../src/errors/sluice-error.ts";
import { SYSTEM_CLOCK } from "../../src/telemetry/clock.ts";

export interface Told {
  /** Exit code. */
  readonly code: number;
  readonly out: string;
  /** The sentence it ends with. */
  readonly error: string;
  /** What was asked of the person. */
  readonly asked: readonly string[];
}

/** Runs a command in this process, as `sluice ARGS…` would. `answers` are what a person types, in order. */
export async function runFleet(
  command: FleetCommand,
  args: readonly string[],
  changes: Partial<Surroundings> & { readonly answers?: readonly string[] } = {},
): Promise<Told> {
  const { answers = [], ...given } = changes;
  const typed = [...answers];
  const asked: string[] = [];
  let out = "";
  const surroundings: Surroundings = {
    env: {},
    clock: SYSTEM_CLOCK,
    ask: async (question) => {
      asked.push(question);
      const answer = typed.shift();
      return answer === undefined ? undefined : new Secret(answer);
    },
    write: (text) => {
      out += text;
    },
    hasColour: false,
    terminal: undefined,
    hideArgument: () => {},
    ...given,
  };
  try {
    return { code: await runFleetCommand(command, args, surroundings), out, error: "", asked };
  } catch (error) {
    if (!(error instanceof SluiceError)) throw error;
    return { code: error.entry.exit, out, error: error.message, asked };
  }
}
