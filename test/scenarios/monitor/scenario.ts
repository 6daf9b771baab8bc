import { readFileSync } from "node:fs";
import { type PicturedServer, readPicture } from "../../support/fleet-picture.ts";

/**
 * A scenario.txt: what a fleet goes through, tick by tick, and what is to be seen of it.
 *
 *   # what it is about
 *   monitor MODULE [option=value …]      options by MaxScale's names
 *   at 3 s: what happened
 *     db1 down -> Down                   a picture of the fleet (test/support/fleet-picture.ts)
 *     ! db1 server_down(master_down) PROBE_REFUSED      the events, with MaxScale's name and the cause's code
 *     = No primary: …                    the diagnosis
 *
 * A tick without `!` lines has no events; one without a `=` line expects no particular diagnosis.
 */
export interface Scenario {
  readonly module: string;
  readonly options: Readonly<Record<string, unknown>>;
  readonly ticks: readonly ScenarioTick[];
}

export interface ScenarioTick {
  readonly title: string;
  /** Milliseconds. */
  readonly now: number;
  readonly servers: readonly PicturedServer[];
  readonly events: readonly string[];
  readonly diagnosis: string | undefined;
}

export function readScenario(path: string): Scenario {
  const [head = "", ...parts] = readFileSync(path, "utf8").split(/^at /m);
  const [, module = "", settings = ""] = /^monitor (\S+)(.*)$/m.exec(head) ?? [];
  return { module, options: readOptions(settings), ticks: parts.map(readTick) };
}

function readOptions(settings: string): Record<string, unknown> {
  const pairs = settings.split(/\s+/).filter((pair) => pair !== "");
  return Object.fromEntries(
    pairs.map((pair) => {
      const [name = "", value = ""] = pair.split("=");
      return [name.replace(/_(.)/g, (_, letter: string) => letter.toUpperCase()), JSON.parse(value)];
    }),
  );
}

function readTick(text: string): ScenarioTick {
  const [title = "", ...lines] = text.trim().split("\n");
  const now = Number.parseFloat(title) * 1000;
  const after = (mark: string) =>
    lines
      .map((line) => line.trim())
      .filter((line) => line.startsWith(mark))
      .map((line) => line.slice(mark.length));
  const picture = lines.filter((line) => !/^\s*[!=]/.test(line)).join("\n");
  return {
    title,
    now,
    servers: readPicture(picture, now),
    events: after("! "),
    diagnosis: after("= ")[0],
  };
}
