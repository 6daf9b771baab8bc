import { existsSync, type FSWatcher, watch } from "node:fs";
import { basename, dirname } from "node:path";
import type { Clock } from "../telemetry/clock.ts";

// Where a directory cannot be watched, or is made later: look again this often, ms.
const LOOK_MS = 1000;

/** Files whose mere presence forces a server out. Their coming and going is told at once, by inotify. */
export class OffSwitch {
  readonly #files: readonly string[];
  readonly #clock: Clock;
  readonly #onChange: (present: string | undefined) => void;
  readonly #watchers = new Map<string, FSWatcher>();
  #present: string | undefined;
  #cancel: () => void = () => {};

  constructor(files: readonly string[], clock: Clock, onChange: (present: string | undefined) => void) {
    this.#files = files;
    this.#clock = clock;
    this.#onChange = onChange;
    this.#present = this.#find();
  }

  /** The first file that is there. */
  get present(): string | undefined {
    return this.#present;
  }

  start(): void {
    if (this.#files.length === 0) return;
    this.#look();
  }

  close(): void {
    this.#cancel();
    for (const watcher of this.#watchers.values()) watcher.close();
    this.#watchers.clear();
  }

  #look(): void {
    for (const file of this.#files) this.#watch(dirname(file));
    this.#check();
    this.#cancel = this.#clock.after(LOOK_MS, () => this.#look());
  }

  #watch(directory: string): void {
    if (this.#watchers.has(directory)) return;
    const names = new Set(
      this.#files.filter((file) => dirname(file) === directory).map((file) => basename(file)),
    );
    try {
      const watcher = watch(directory, { persistent: false }, (_event, name) => {
        if (name === null || names.has(String(name))) this.#check();
      });
      watcher.on("error", () => {
        watcher.close();
        this.#watchers.delete(directory);
      });
      this.#watchers.set(directory, watcher);
    } catch {
      // Not there or not readable: the next look tries again, and checks the files anyway.
    }
  }

  #check(): void {
    const found = this.#find();
    if (found === this.#present) return;
    this.#present = found;
    this.#onChange(found);
  }

  #find(): string | undefined {
    return this.#files.find((file) => existsSync(file));
  }
}
