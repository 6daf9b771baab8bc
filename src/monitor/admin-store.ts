import { readFileSync } from "node:fs";
import { errorMessage, SluiceError } from "../errors/sluice-error.ts";
import { writeFileAtomically } from "../system/atomic-file.ts";
import type { AdminState } from "../topology/verdict.ts";

const STATES: ReadonlySet<string> = new Set<AdminState>(["none", "drain", "maintenance"]);

/** Who was taken out by a person; kept in one small JSON file `{server: state}` so that it survives a restart. */
export class AdminStore {
  readonly #path: string;
  readonly #states: Map<string, AdminState>;

  /** Throws IO_FAILED if the file is there but cannot be read: forgetting a maintenance would let traffic in. */
  constructor(path: string) {
    this.#path = path;
    this.#states = load(path);
  }

  get(server: string): AdminState {
    return this.#states.get(server) ?? "none";
  }

  set(server: string, state: AdminState): void {
    const states = new Map(this.#states);
    if (state === "none") states.delete(server);
    else states.set(server, state);
    writeFileAtomically(this.#path, `${JSON.stringify(Object.fromEntries(states))}\n`, 0o600);
    if (state === "none") this.#states.delete(server);
    else this.#states.set(server, state);
  }
}

function load(path: string): Map<string, AdminState> {
  let text: string;
  try {
    text = readFileSync(path, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return new Map();
    throw new SluiceError("IO_FAILED", `cannot read ${path}: ${errorMessage(error)}`, { cause: error });
  }
  try {
    const entries = Object.entries(JSON.parse(text) as Record<string, unknown>);
    return new Map(entries.filter((e): e is [string, AdminState] => STATES.has(String(e[1]))));
  } catch (error) {
    throw new SluiceError(
      "IO_FAILED",
      `${path} is damaged (${errorMessage(error)}): remove it, then set maintenance again`,
      {
        cause: error,
      },
    );
  }
}
