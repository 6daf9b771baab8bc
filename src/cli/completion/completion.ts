/**
 * cli/completion/: what the shell offers behind `sluice`, from the tables that parsing and help are made of, with the names
 * that the daemon has where it answers within 200 ms. May import the rest of cli/.
 *
 *   shell ──words on the line──▶ sluice completion words ─▶ completeLine ─▶ a candidate a line
 */
import { SluiceError } from "../../errors/sluice-error.ts";
import type { CommandSpec } from "../command.ts";
import { processSurroundings } from "../fleet/fleet.ts";
import { print } from "../output.ts";
import { formOf, quote } from "../parse-arguments.ts";
import { type CommandTable, completeLine } from "./complete-line.ts";
import { liveNames } from "./live-names.ts";
import { SCRIPTS, SHELLS } from "./shell-scripts.ts";

export const COMPLETION_SPEC: CommandSpec = {
  name: "completion",
  summary: "Print what makes a shell complete sluice's words",
  details: [
    "Words are commands, options and parameters, and the names that the daemon has where it answers within 200 ms.",
  ],
  operands: SHELLS.join("|"),
  maxOperands: 1,
  options: {},
  examples: [
    ["source <(sluice completion bash)", "in ~/.bashrc; zsh likewise in ~/.zshrc"],
    ["sluice completion bash >/usr/share/bash-completion/completions/sluice", "for every user"],
    ["sluice completion fish >~/.config/fish/completions/sluice.fish", "for fish"],
  ],
  exitCodes: [
    [0, "printed"],
    [2, "there is no such shell"],
  ],
};

/** `completion SHELL`, and `completion words -- WORD…` for the scripts. */
export async function runCompletion(args: readonly string[], table: CommandTable): Promise<number> {
  const [word] = args;
  if (word === "words") return await printWords(args.slice(args[1] === "--" ? 2 : 1), table);
  const shell = SHELLS.find((one) => one === word);
  if (shell === undefined || args.length > 1) {
    const found =
      word === undefined ? "the shell is missing" : `${quote(args.join(" "))} is no shell that is known here`;
    throw new SluiceError("USAGE", `${found}; the form is: ${formOf(COMPLETION_SPEC)}`);
  }
  print(SCRIPTS[shell]);
  return 0;
}

async function printWords(words: readonly string[], table: CommandTable): Promise<number> {
  const completion = await completeLine(words, table, liveNames(words, processSurroundings()));
  if (completion === "files") print(":files\n");
  else print(completion.map(({ word, description }) => `${word}\t${description}\n`).join(""));
  return 0;
}
