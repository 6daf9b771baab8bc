import type { CommandResult, RunCommand } from "../run-command.ts";
import { firewallError } from "./firewall-error.ts";

const REFUSED = 1;

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

  /**
   * What nft printed; undefined: it has refused the script, as it does where something is missing or other than expected. Throws where
   * it cannot be told what came of it: one that took too long may have been carried out.
   */
  async unlessRefused(script: string): Promise<string | undefined> {
    const result = await this.try(script);
    if (result.code !== 0 && result.code !== REFUSED) throw firewallError("nft", result);
    return result.code === 0 ? result.stdout : undefined;
  }

  /** Throws FIREWALL_MISSING, FIREWALL_DENIED or FIREWALL_FAILED where it was refused. */
  async do(script: string): Promise<CommandResult> {
    const result = await this.try(script);
    if (result.code !== 0) throw firewallError("nft", result);
    return result;
  }
}
