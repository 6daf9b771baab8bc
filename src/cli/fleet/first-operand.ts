import type { OptionTable } from "../command.ts";
import { SHORT_OPTIONS } from "./fleet-options.ts";

/** Where the first word is that is neither an option nor an option's value; undefined: there is none. */
export function firstOperand(args: readonly string[], options: OptionTable): number | undefined {
  for (let i = 0; i < args.length; i += 1) {
    const arg = args[i] ?? "";
    if (!arg.startsWith("-")) return i;
    const name = SHORT_OPTIONS[arg.slice(1)] ?? arg.slice(2);
    const option = Object.hasOwn(options, name) ? options[name] : undefined;
    if (option?.type !== undefined) i += 1;
  }
  return undefined;
}
