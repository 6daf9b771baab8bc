/** The command line that starts this very program again: the executable, or the runtime and the script. */
export function ownProgram(): readonly string[] {
  const script = process.argv[1];
  const isCompiled = script === undefined || script.startsWith("/$bunfs/");
  return isCompiled ? [process.execPath] : [process.execPath, script];
}
