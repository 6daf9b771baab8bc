import type { Command as Program } from "commander";
import { FLEET_COMMANDS, isFleetCommand } from "../fleet/fleet-commands.ts";
import { beginning, type Candidate, type Completion, candidates } from "./candidate.ts";
import { completeAction, type NameSource } from "./complete-action.ts";

/** The commands of the executable, as completion sees them. */
export interface CommandTable {
  readonly names: readonly string[];
  program(name: string): Promise<Program>;
}

/** What may stand at the end of a line; `words` are those behind `sluice`, the last being the one the cursor is in. */
export async function completeLine(
  words: readonly string[],
  table: CommandTable,
  names: NameSource,
): Promise<Completion> {
  const last = words.at(-1) ?? "";
  const [name = ""] = words;
  if (words.length <= 1) return beginning(await commandNames(table), last);
  if (!table.names.includes(name)) return [];
  const typed = words.slice(1, -1);
  const completion = isFleetCommand(name)
    ? await completeFleet(name, typed, last, names)
    : await completeOther(await table.program(name), typed, last);
  return beginning(completion, last);
}

async function commandNames(table: CommandTable): Promise<readonly Candidate[]> {
  return await Promise.all(
    table.names.map(async (word) => ({ word, description: (await table.program(word)).summary() })),
  );
}

async function completeFleet(
  name: keyof typeof FLEET_COMMANDS,
  typed: readonly string[],
  last: string,
  names: NameSource,
): Promise<Completion> {
  const { actions } = await FLEET_COMMANDS[name]();
  const whole = actions.find(({ words }) => words === name);
  const second = typed.find((word) => actions.some(({ words }) => words === `${name} ${word}`));
  const action = actions.find(({ words }) => words === `${name} ${second}`);
  if (action !== undefined) {
    return await completeAction(
      action,
      typed.filter((word) => word !== second),
      last,
      names,
    );
  }
  const ofWhole = whole === undefined ? [] : await completeAction(whole, typed, last, names);
  if (ofWhole === "files" || last.startsWith("-")) return ofWhole;
  const seconds = actions
    .filter((one) => one !== whole)
    .map(({ words, summary }) => ({ word: words.slice(name.length + 1), description: summary }));
  return [...seconds, ...ofWhole];
}

/** Options, their files, and words such as on|off that the form shows. */
async function completeOther(program: Program, typed: readonly string[], last: string): Promise<Completion> {
  const previous = program.options.find(({ long }) => long === typed.at(-1));
  const [, placeholder] = /<(.*)>/.exec(previous?.flags ?? "") ?? [];
  if (placeholder === "file") return "files";
  if (placeholder !== undefined) return placeholder.includes("|") ? candidates(placeholder.split("|")) : [];
  if (last.startsWith("-")) {
    return program.options.map(({ long, description }) => ({ word: long ?? "", description }));
  }
  const form = program
    .usage()
    .split(" ")
    .find((word) => /^[a-z]+(\|[a-z]+)+$/.test(word));
  return form === undefined || typed.length > 0 ? [] : candidates(form.split("|"));
}
