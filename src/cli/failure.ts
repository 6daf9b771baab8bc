import { errorMessage, SluiceError } from "../errors/sluice-error.ts";
import { printError } from "./output.ts";

/** Tells in one sentence why `command` ended, on standard error, and returns the exit code of the catalogue. */
export function reportFailure(command: string, error: unknown, env: NodeJS.ProcessEnv): number {
  const known = error instanceof SluiceError ? error : undefined;
  const sentence = known === undefined ? `a fault of Sluice itself: ${errorMessage(error)}` : known.message;
  printError(`${command}: ${sentence}\n`);
  if (env["SLUICE_DEBUG"]) printError(`${error instanceof Error ? error.stack : String(error)}\n`);
  else if (known === undefined) printError("SLUICE_DEBUG=1 shows where; please report it.\n");
  return known === undefined ? 70 : known.entry.exit;
}
