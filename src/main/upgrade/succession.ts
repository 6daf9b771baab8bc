/**
 * main/upgrade/: the program gives way to another one in the same process (docs/decisions/0022-upgrade.md).
 *
 *   sluice upgrade, SIGUSR2 ─▶ Upgrades: rehearse() the new one ─▶ Daemon: let go of all but sockets and workers
 *                                             │ refuses: nothing happens      └─▶ Succession.begin: exec
 *                                             ▼                                        │
 *   the old one goes on ◀── back: exec of the old one ◀── it fails, or is not ready in time ◀── Succession.receive, in the new one
 */
import { closeSync, openSync, writeFileSync } from "node:fs";
import type { UpgradeStatus } from "../../admin/control.ts";
import type { SourceSection } from "../../config/source.ts";
import { errorMessage } from "../../errors/sluice-error.ts";
import { type BecomeProgram, loadBecomeProgram, receiveMessage } from "../../system/become-program.ts";
import { childrenOf } from "../../system/children.ts";
import { setInheritable } from "../../system/inherited-descriptors.ts";
import { duplicateSockets, type InheritedSocket, SOCKETS } from "../../system/socket-register.ts";
import { OWN_SCRIPT } from "../own-program.ts";
import type { RuntimeMemory } from "../runtime/runtime.ts";

/** What one program leaves to the next, as JSON in a file of its own without a name. */
interface Legacy {
  readonly sockets: readonly InheritedSocket[];
  /** Descriptor of the executable that is to come back if this one fails; undefined: it has come back. */
  readonly previous: number | undefined;
  readonly report: UpgradeStatus;
  /** Processes that were children already: nobody else takes note of their end. */
  readonly children: readonly number[];
  /** The configuration in force: the files may say something else by now, and the old program is to come back as it was. */
  readonly sections: readonly SourceSection[];
  readonly memory: RuntimeMemory;
  /** Of `memory`; see MEMORY_FORMAT. */
  readonly format: number;
}

/** What there is to leave. */
type Estate = Pick<Legacy, "sockets" | "report" | "sections" | "memory">;

/** Counts up when what RuntimeMemory holds changes its form: one of another form is forgotten, as at a restart. */
const MEMORY_FORMAT = 1;

/** In the new program: what it has inherited, and its way back until it has proved itself. */
export class Succession {
  readonly report: UpgradeStatus;
  readonly memory: RuntimeMemory | undefined;
  readonly children: readonly number[];
  readonly #legacy: Legacy;
  readonly #become: BecomeProgram;
  /** Descriptors of the sockets for the way back, whatever becomes of the others. */
  readonly #spare: readonly InheritedSocket[];
  readonly #env: NodeJS.ProcessEnv;
  #isOpen: boolean;

  /** Undefined: this program was started as any other. Its sockets are in SOCKETS afterwards. */
  static async receive(env: NodeJS.ProcessEnv): Promise<Succession | undefined> {
    const message = receiveMessage(env);
    if (message === undefined) return undefined;
    const legacy = JSON.parse(message) as Legacy;
    const { sockets, previous } = legacy;
    await setInheritable(
      [...sockets.map(({ fd }) => fd), ...(previous === undefined ? [] : [previous])],
      false,
    );
    SOCKETS.adopt(sockets);
    const spare = previous === undefined ? [] : await duplicateSockets(sockets);
    keepName();
    return new Succession(legacy, spare, await loadBecomeProgram(), { ...env });
  }

  private constructor(
    legacy: Legacy,
    spare: readonly InheritedSocket[],
    become: BecomeProgram,
    env: NodeJS.ProcessEnv,
  ) {
    const { report, memory, children, format, previous } = legacy;
    this.#legacy = legacy;
    this.#spare = spare;
    this.#become = become;
    this.#env = env;
    this.#isOpen = previous !== undefined;
    this.report = report;
    this.memory = format === MEMORY_FORMAT ? memory : undefined;
    this.children = children;
    if (this.#isOpen) process.once("exit", this.#onExit);
  }

  /** Whether the old program would come back if this one ended now. */
  get isTrial(): boolean {
    return this.#isOpen;
  }

  /** The configuration to go on with; undefined: as the files say. */
  get sections(): readonly SourceSection[] | undefined {
    return this.#legacy.previous === undefined ? this.#legacy.sections : undefined;
  }

  /** From here on there is no way back. */
  close(): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    process.off("exit", this.#onExit);
    for (const { fd } of this.#spare) closeSync(fd);
    if (this.#legacy.previous !== undefined) closeSync(this.#legacy.previous);
  }

  /** This program is not up to it: the old one goes on, and tells why. Returns only where even that fails. */
  back(reason: string): void {
    const { previous, report } = this.#legacy;
    if (!this.#isOpen || previous === undefined) return;
    this.#isOpen = false;
    const legacy: Legacy = {
      ...this.#legacy,
      sockets: this.#spare,
      previous: undefined,
      report: { ...report, state: "failed", reason },
      children: childrenOf(process.pid),
    };
    try {
      pass(this.#become, `/proc/self/fd/${previous}`, legacy, this.#env);
    } catch (error) {
      process.stderr.write(
        `sluice: the upgrade has failed (${reason}), and the old program cannot go on: ${error}\n`,
      );
    }
  }

  readonly #onExit = (code: number): void => this.back(`it ended with exit code ${code}`);
}

/**
 * This process goes on as the program at `path`, or else, with a failed report, as what it was. Everything is to be at rest by now.
 * Throws where neither can be executed.
 */
export type Succeed = (path: string, estate: Estate, env: NodeJS.ProcessEnv) => never;

/** Gets hold of all that succeeding needs, while nothing has been stopped yet. Throws what the system throws. */
export async function prepareToSucceed(): Promise<Succeed> {
  const become = await loadBecomeProgram();
  const previous = openSync("/proc/self/exe", "r");
  return (path, estate, env) => {
    const { report } = estate;
    const legacy: Legacy = { ...estate, previous, children: childrenOf(process.pid), format: MEMORY_FORMAT };
    try {
      return pass(become, path, legacy, env);
    } catch (error) {
      const failed: UpgradeStatus = { ...report, state: "failed", reason: errorMessage(error) };
      return pass(become, "/proc/self/exe", { ...legacy, previous: undefined, report: failed }, env);
    }
  };
}

/** The executable may have been called by a number (/proc/self/fd/7); pid files and people look for its name. */
function keepName(): void {
  try {
    writeFileSync("/proc/self/comm", "sluice");
  } catch {
    // then it goes by the number
  }
}

function pass(become: BecomeProgram, path: string, legacy: Legacy, env: NodeJS.ProcessEnv): never {
  const { sockets, previous } = legacy;
  const fds = [...sockets.map(({ fd }) => fd), ...(previous === undefined ? [] : [previous])];
  const args = [process.argv0, ...OWN_SCRIPT, ...process.argv.slice(2)];
  return become({ path, args, env, fds, message: JSON.stringify(legacy) });
}
