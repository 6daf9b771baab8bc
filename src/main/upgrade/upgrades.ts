import type { UpgradeStatus } from "../../admin/control.ts";
import { errorMessage, SluiceError } from "../../errors/sluice-error.ts";
import type { Clock } from "../../telemetry/clock.ts";
import type { Log } from "../../telemetry/log.ts";
import { installedProgram } from "../own-program.ts";
import { COMMIT, VERSION } from "../version.ts";
import { rehearse } from "./rehearse.ts";
import { prepareToSucceed, type Succeed } from "./succession.ts";

const REHEARSAL_MS = 10_000;

export const VERSION_WORDS = `${VERSION} (${COMMIT})`;

export interface UpgradeParts {
  readonly clock: Clock;
  readonly log: Log;
  /** How the last one ended, of which this program is the outcome. */
  readonly last: UpgradeStatus | undefined;
  /** Whether a server may be used, to this program. */
  isUp(server: string): boolean;
  /** Lets whoever asked for it be answered, and all come to rest; then goes on as the program at `path`. */
  giveWay(path: string, report: UpgradeStatus, succeed: Succeed): void;
}

/** Upgrades of this program, one at a time. */
export class Upgrades {
  readonly #parts: UpgradeParts;
  #last: UpgradeStatus | undefined;
  #isUnderWay = false;

  constructor(parts: UpgradeParts) {
    this.#parts = parts;
    this.#last = parts.last;
  }

  /** The last one; undefined: there was none since the program was started. */
  get last(): UpgradeStatus | undefined {
    return this.#last;
  }

  /** The program is what it was meant to be. */
  done(): void {
    if (this.#last?.state === "under way") this.#last = { ...this.#last, state: "done" };
  }

  /**
   * Begins one: resolves once the new executable has found nothing against it, and takes place right after that.
   * @throws SluiceError REFUSED: one is under way, or the new executable cannot run or refuses the configuration; BUSY
   */
  async begin(): Promise<UpgradeStatus> {
    if (this.#isUnderWay) throw new SluiceError("REFUSED", "an upgrade is under way already");
    this.#isUnderWay = true;
    const { clock, log } = this.#parts;
    try {
      const [path = "", ...script] = installedProgram();
      const { version: to, down = {} } = await rehearse(
        path,
        [...script, ...process.argv.slice(2)],
        REHEARSAL_MS,
      );
      const lost = Object.entries(down).find(([server]) => this.#parts.isUp(server));
      if (lost !== undefined)
        throw new SluiceError(
          "REFUSED",
          `${lost[0]} is down to the new program, and up to this one: ${lost[1]}`,
        );
      const succeed = await prepareToSucceed();
      const report = {
        id: clock.now(),
        from: VERSION_WORDS,
        to,
        state: "under way",
        reason: undefined,
      } as const;
      this.#last = report;
      log.info({ event: "upgrade" }, `sluice ${VERSION_WORDS} gives way to ${to}`);
      this.#parts.giveWay(path, report, succeed);
      return report;
    } catch (error) {
      this.#isUnderWay = false;
      log.error({ event: "upgrade_failed" }, `no upgrade: ${errorMessage(error)}`);
      throw error;
    }
  }
}
