import { nearest } from "../config/suggestion.ts";
import type { ValueType } from "../config/values/value-type.ts";
import { SluiceError } from "../errors/sluice-error.ts";
import type { CommandSpec, OptionTable, OptionValues } from "./command.ts";

export interface ParsedArguments<O extends OptionTable> {
  readonly values: OptionValues<O>;
  readonly operands: readonly string[];
}

/**
 * Reads `--name VALUE`, `--name=VALUE`, switches and operands; `--` ends the options. The last of several wins. With
 * `operandsEndOptions` what follows the first operand is operands, whatever it looks like: a password may begin with a dash.
 * Throws USAGE, with a suggestion where a name is misspelt.
 */
export function parseArguments<O extends OptionTable>(
  spec: CommandSpec<O>,
  args: readonly string[],
  operandsEndOptions = false,
): ParsedArguments<O> {
  const values: Record<string, unknown> = {};
  const operands: string[] = [];
  const rest = [...args];
  for (let arg = rest.shift(); arg !== undefined; arg = rest.shift()) {
    if (arg === "--") operands.push(...rest.splice(0));
    else if (!arg.startsWith("-") || arg === "-") {
      operands.push(arg);
      if (operandsEndOptions) operands.push(...rest.splice(0));
    } else {
      const [name, value] = readOption(spec, arg, rest);
      values[name] = value;
    }
  }
  if (operands.length > spec.maxOperands) {
    throw usage(
      `${quote(operands[spec.maxOperands] ?? "")} is one argument too many; the form is: ${formOf(spec)}`,
    );
  }
  return { values: values as OptionValues<O>, operands };
}

/** `sluice check [options]` */
export function formOf({ name, operands, options }: CommandSpec): string {
  const parts = ["sluice", name, Object.keys(options).length > 0 ? "[options]" : "", operands];
  return parts.filter((part) => part !== "").join(" ");
}

function readOption(spec: CommandSpec, arg: string, rest: string[]): [name: string, value: unknown] {
  const equals = arg.indexOf("=");
  const flag = equals < 0 ? arg : arg.slice(0, equals);
  const name = flag.replace(/^--/, "");
  const option = Object.hasOwn(spec.options, name) ? spec.options[name] : undefined;
  if (option === undefined || !flag.startsWith("--")) throw unknown(spec, flag);
  if (option.type === undefined) {
    if (equals >= 0) throw usage(`${flag} takes no value`);
    return [name, true];
  }
  if (option.mayStandAlone && equals < 0 && (rest[0] === undefined || rest[0].startsWith("-")))
    return [name, true];
  const text = equals >= 0 ? arg.slice(equals + 1) : rest.shift();
  if (text === undefined)
    throw usage(`${flag} needs a value: ${flag} <${option.placeholder}>, ${option.type.expected}`);
  return [name, parseValue(option.type, text, flag)];
}

/** The value of `flag`; throws USAGE, with what would be right. */
function parseValue<T>(type: ValueType<T>, text: string, flag: string): T {
  const parsed = type.parse(text);
  if (parsed.ok) return parsed.value;
  throw usage(`${flag} ${quote(text)} is ${parsed.wrong}; expected ${parsed.expected ?? type.expected}`);
}

function unknown(spec: CommandSpec, flag: string): SluiceError {
  const near = nearest(flag.replace(/^-+/, ""), [...Object.keys(spec.options), "help"]);
  const hint = near === undefined ? `sluice help ${spec.name} shows them` : `did you mean --${near}?`;
  return usage(`${quote(flag)} is not an option of ${spec.name}: ${hint}`);
}

/** What a person typed, on one line and no longer than makes sense in a sentence. */
export function quote(text: string): string {
  return JSON.stringify(text.slice(0, 60)).slice(1, -1) || '""';
}

const usage = (message: string): SluiceError => new SluiceError("USAGE", message);
