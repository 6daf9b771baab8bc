import { own } from "../../config/own.ts";
import { SluiceError } from "../../errors/sluice-error.ts";
import { quote } from "../parse-arguments.ts";
import type { Action } from "./action.ts";
import { FLEET_OPTIONS, SHORT_OPTIONS } from "./fleet-options.ts";

const PASSWORD = /^(-p.*|--password(=.*)?)$/s;

/**
 * Turns the ways in which maxctrl lets a command be written into the one that parseArguments reads:
 *
 *   -h a:8989                  --hosts a:8989
 *   --servers a b --servers c  --servers=a,b,c
 *   --port 3306                port=3306, where port is a parameter of the action's object and no option
 *
 * Throws USAGE for a password: argv is public.
 */
export function canonicalArguments(
  action: Action,
  args: readonly string[],
  isParameter: (name: string) => boolean,
): readonly string[] {
  const result: string[] = [];
  const lists = new Map<string, string[]>();
  const rest = [...args];
  for (let arg = rest.shift(); arg !== undefined; arg = rest.shift()) {
    if (arg === "--") {
      result.push(arg, ...rest.splice(0));
      break;
    }
    if (PASSWORD.test(arg)) throw new SluiceError("USAGE", NO_PASSWORD);
    const [flag, value] = splitAtEquals(longForm(arg));
    const name = flag.slice(2);
    if (!flag.startsWith("--")) result.push(arg);
    else if (own(action.lists ?? {}, name) !== undefined) {
      const names = value === undefined ? takeNames(rest) : [value];
      if (names.length === 0) throw new SluiceError("USAGE", `${flag} needs names: ${flag} NAME...`);
      lists.set(name, [...(lists.get(name) ?? []), ...names]);
    } else if (!isOption(action, name) && isParameter(name.replaceAll("-", "_"))) {
      const text = value ?? rest.shift();
      if (text === undefined) throw new SluiceError("USAGE", `${flag} needs a value`);
      result.push(`${name.replaceAll("-", "_")}=${text}`);
    } else result.push(value === undefined ? flag : `${flag}=${value}`);
  }
  const joined = [...lists].map(([name, names]) => `--${name}=${names.join(",")}`);
  return [...joined, ...result];
}

const NO_PASSWORD =
  "a password on the command line can be read by every user of this host: leave it out to be asked, or use --password-file FILE or ~/.sluice.cnf";

const isOption = (action: Action, name: string): boolean =>
  Object.hasOwn(FLEET_OPTIONS, name) || Object.hasOwn(action.options, name);

function longForm(arg: string): string {
  const [, letter = "", rest = ""] = /^-([a-zA-Z])(=.*)?$/s.exec(arg) ?? [];
  const long = own(SHORT_OPTIONS, letter);
  if (long !== undefined) return `--${long}${rest}`;
  if (letter !== "") throw new SluiceError("USAGE", `${quote(arg)} is no option: --help shows them`);
  return arg;
}

function splitAtEquals(arg: string): readonly [string, string | undefined] {
  const equals = arg.indexOf("=");
  return equals < 0 ? [arg, undefined] : [arg.slice(0, equals), arg.slice(equals + 1)];
}

/** Names up to the next option, or the next parameter: a name has no equals sign. */
function takeNames(rest: string[]): readonly string[] {
  const end = rest.findIndex((word) => word.startsWith("-") || word.includes("="));
  return rest.splice(0, end < 0 ? rest.length : end);
}
