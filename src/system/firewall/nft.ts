import type { CommandResult, RunCommand } from "../run-command.ts";
import { firewallError } from "./firewall-error.ts";

/** nft, fed with scripts: each is one transaction. */
export class Nft {
  readonly #run: RunCommand;

  constructor(run: RunCommand) {
    this.#run = run;
  }

  /** What came of a script, also where it was refused. */
  try(script: string): Promise<CommandResult> {
    return this.#run(["nft", "-f", "-"], script);
  }

  /** Throws FIREWALL_MISSING, FIREWALL_DENIED or FIREWALL_FAILED where it was refused. */
  async do(script: string): Promise<CommandResult> {
    const result = await this.try(script);
    if (result.code !== 0) throw firewallError("nft", result);
    return result;
  }
}
