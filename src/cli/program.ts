import { Option, Command as Program } from "commander";
import { SluiceError } from "../errors/sluice-error.ts";
import type { CommandSpec, OptionTable } from "./command.ts";
import { print } from "./output.ts";
import { parseValue } from "./parse-arguments.ts";

/** A spec as commander knows it, for its help and for the manual page. */
export function programOf(spec: CommandSpec): Program {
  const program = new Program(`sluice ${spec.name}`)
    .summary(spec.summary)
    .description([`${spec.summary}.`, ...(spec.details ?? [])].join("\n\n"))
    .usage([Object.keys(spec.options).length > 0 ? "[options]" : "", spec.operands].join(" ").trim());
  addOptions(program, spec.options);
  const examples = spec.examples.map(([line, what]) => `  ${line}\n      ${what}`);
  const codes = spec.exitCodes.map(([code, meaning]) => `  ${String(code).padEnd(3)} ${meaning}`);
  if (examples.length > 0) program.addHelpText("after", `\nExamples:\n${examples.join("\n")}`);
  if (codes.length > 0) program.addHelpText("after", `\nExit codes:\n${codes.join("\n")}`);
  return program;
}

/** The options of a table for a commander program, with their types. */
export function addOptions(program: Program, options: OptionTable): void {
  for (const [name, { placeholder, type, summary }] of Object.entries(options)) {
    const option = new Option(
      placeholder === undefined ? `--${name}` : `--${name} <${placeholder}>`,
      summary,
    );
    if (type !== undefined) option.argParser((text) => parseValue(type, text, `--${name}`));
    program.addOption(option);
  }
}

/** The whole help of a program, as it is printed. */
export function helpOf(program: Program): string {
  let text = "";
  program.configureOutput({
    writeOut: (part) => {
      text += part;
    },
    getOutHelpWidth: () => 100,
  });
  program.outputHelp();
  return text;
}

/** Parses for a command that is a commander program itself. Returns false once help was shown; throws USAGE. */
export function parseProgram(program: Program, args: readonly string[]): boolean {
  program.exitOverride().configureOutput({ writeOut: print, writeErr: () => {} });
  try {
    program.parse([...args], { from: "user" });
    return true;
  } catch (error) {
    const { code, message } = error as { readonly code?: string; readonly message?: string };
    if (code === "commander.helpDisplayed") return false;
    if (!code?.startsWith("commander.")) throw error;
    throw new SluiceError("USAGE", (message ?? "").replace(/^error: /, "").replace(/\s*\n\s*/g, " "));
  }
}
