/**
 * The executable's entry: finds the command by the name it is called under (clustercheck, mysqlchk, …, as a link or a
 * copy) or by its first argument, and loads no more than that command needs.
 */
import { COMMANDS, HELPERS, isCommand, PERSONAS } from "./commands.ts";

const env = process.env;
process.on("uncaughtException", (error) => void fail("sluice", error));

const { name, args } = invocation(process.argv0, process.argv.slice(2));
try {
  process.exit(await dispatch(name, args));
} catch (error) {
  await fail(name !== undefined && isCommand(name) ? `sluice ${name}` : "sluice", error);
}

/** Which command is meant. connectorchk.sh, as it is installed in the field, is connectorchk. */
function invocation(
  argv0: string,
  args: readonly string[],
): { name: string | undefined; args: readonly string[] } {
  const calledAs = argv0.slice(argv0.lastIndexOf("/") + 1).replace(/\.sh$/, "");
  if (PERSONAS.has(calledAs)) return { name: calledAs, args };
  return { name: args[0], args: args.slice(1) };
}

async function dispatch(name: string | undefined, args: readonly string[]): Promise<number> {
  const helper = name === undefined || !Object.hasOwn(HELPERS, name) ? undefined : HELPERS[name];
  if (helper !== undefined) return await helper(args);
  if (name === undefined || !isCommand(name)) {
    const { runWithoutCommand } = await import("./general-help.ts");
    return await runWithoutCommand(name, args);
  }
  if (wantsHelp(args)) {
    const { showHelp } = await import("./general-help.ts");
    return await showHelp(name, args);
  }
  return await COMMANDS[name].run(args);
}

/** `--help` among the options, not behind `--`; `-h` alone, because `-h HOST` names a daemon. */
function wantsHelp(args: readonly string[]): boolean {
  const end = args.indexOf("--");
  const options = end < 0 ? args : args.slice(0, end);
  return options.includes("--help") || (options[0] === "-h" && options.length === 1);
}

async function fail(command: string, error: unknown): Promise<never> {
  const { reportFailure } = await import("../cli/failure.ts");
  process.exit(reportFailure(command, error, env));
}
