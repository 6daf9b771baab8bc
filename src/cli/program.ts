import { Command as Program } from "commander";
import type { CommandSpec } from "./command.ts";

/** A spec as commander knows it, for its help and for the manual page. */
export function programOf(spec: CommandSpec): Program {
  const program = new Program(`sluice ${spec.name}`)
    .summary(spec.summary)
    .description([`${spec.summary}.`, ...(spec.details ?? [])].join("\n\n"))
    .usage([Object.keys(spec.options).length > 0 ? "[options]" : "", spec.operands].join(" ").trim());
  for (const [name, { placeholder, mayStandAlone, summary }] of Object.entries(spec.options)) {
    const value = placeholder === undefined ? "" : mayStandAlone ? ` [${placeholder}]` : ` <${placeholder}>`;
    program.option(`--${name}${value}`, summary);
  }
  const examples = spec.examples.map(([line, what]) => `  ${line}\n      ${what}`);
  const codes = spec.exitCodes.map(([code, meaning]) => `  ${String(code).padEnd(3)} ${meaning}`);
  if (examples.length > 0) program.addHelpText("after", `\nExamples:\n${examples.join("\n")}`);
  if (codes.length > 0) program.addHelpText("after", `\nExit codes:\n${codes.join("\n")}`);
  return program;
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
