import { allObjects, type Configuration } from "../../config/configuration.ts";
import { effectiveParameters } from "../../config/effective-parameters.ts";
import { REAL_FILES } from "../../config/file-access.ts";
import { loadConfiguration } from "../../config/load-configuration.ts";
import { formatProblem, formatWarning } from "../../config/problem.ts";
import { SCHEMAS } from "../../config/schema/schemas.ts";
import { checkTlsFiles } from "../../config/tls/check-tls-files.ts";
import { text } from "../../config/values/text.ts";
import { SluiceError } from "../../errors/sluice-error.ts";
import { type Command, type CommandSpec, option, toggle } from "../command.ts";
import { print, printError } from "../output.ts";
import { formOf, parseArguments } from "../parse-arguments.ts";

const DEFAULT_FILE = "/etc/sluice.cnf";

const options = {
  object: option("name", text("the name of an object"), "show: only this object"),
  all: toggle("show: defaults, too"),
} as const;

const spec: CommandSpec<typeof options> = {
  name: "config",
  summary: "Check a configuration file, or show what it means",
  details: [
    "check: every mistake at once, each with its file and line, and what would be right; certificates and keys are read, too. Nothing is started or changed.",
    "show: the values in force if the daemon read the file now, and where each comes from. Passwords are never shown.",
  ],
  operands: "check|show [FILE]",
  maxOperands: 2,
  options,
  examples: [
    ["sluice config check /etc/sluice.cnf", "before a reload"],
    ["sluice config show --object db1 --all", "with the defaults"],
  ],
  exitCodes: [
    [0, "the file is right"],
    [2, "the file or the command line is wrong"],
  ],
};

export const command: Command = {
  spec,
  async run(args) {
    const { values, operands } = parseArguments(spec, args);
    const [what, file = DEFAULT_FILE] = operands;
    if (what !== "check" && what !== "show") throw new SluiceError("USAGE", `the form is: ${formOf(spec)}`);
    const result = loadConfiguration(file, REAL_FILES, process.env);
    for (const warning of result.warnings) printError(`warning: ${formatWarning(warning)}\n`);
    if (!result.ok) throw new SluiceError("CONFIG_INVALID", result.problems.map(formatProblem).join("\n"));
    const objects = allObjects(result.configuration);
    if (what === "check") {
      checkFiles(result.configuration);
      print(`${file} is right: ${objects.length - 1} object${objects.length === 2 ? "" : "s"}\n`);
      return 0;
    }
    const shown = objects.filter(({ name }) => values.object === undefined || name === values.object);
    if (shown.length === 0) throw new SluiceError("USAGE", `${file} has no object called ${values.object}`);
    for (const object of shown) {
      const parameters = effectiveParameters(object).filter(
        ({ value, from }) => value !== undefined && (values.all === true || from !== "default"),
      );
      const width = Math.max(0, ...parameters.map(({ name, value }) => `${name}=${value}`.length));
      const lines = parameters.map(
        ({ name, value, from }) => `${`${name}=${value}`.padEnd(width)}  # ${from}`,
      );
      const { moduleParameter } = SCHEMAS[object.kind];
      const type = object.kind === "sluice" ? [] : [`type=${object.kind}`];
      if (moduleParameter !== undefined) type.push(`${moduleParameter}=${object.module}`);
      print(`${[`[${object.name}]`, ...type, ...lines].join("\n")}\n\n`);
    }
    return 0;
  },
};

/** Certificates and keys of listeners and servers. Throws CONFIG_INVALID where some cannot be used. */
function checkFiles(configuration: Configuration): void {
  const { problems, warnings } = checkTlsFiles(configuration, REAL_FILES, Date.now());
  for (const warning of warnings) printError(`warning: ${formatWarning(warning)}\n`);
  if (problems.length > 0) throw new SluiceError("CONFIG_INVALID", problems.map(formatProblem).join("\n"));
}
