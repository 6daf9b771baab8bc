import { readFileSync } from "node:fs";
import { createInterface } from "node:readline";
import { REAL_FILES } from "../../config/file-access.ts";
import { Secret } from "../../config/secret.ts";
import { initSecrets, SecretKeys } from "../../config/secrets.ts";
import { path } from "../../config/values/text.ts";
import { SluiceError } from "../../errors/sluice-error.ts";
import { type Command, type CommandSpec, option } from "../command.ts";
import { print, printError } from "../output.ts";
import { formOf, parseArguments } from "../parse-arguments.ts";

const DEFAULT_DIRECTORY = "/var/lib/sluice";

const options = {
  directory: option("dir", path(), `directory of the key file (default: ${DEFAULT_DIRECTORY})`),
} as const;

const spec: CommandSpec<typeof options> = {
  name: "secrets",
  summary: "Encrypt the passwords of the configuration file",
  details: [
    "init: makes the key file sluice.key, readable by its owner only; one that is there stays.",
    "encrypt: reads a password from standard input (without echo on a terminal; never from the command line, which is public) and prints what to write in its place. The daemon reads the key from secretsdir.",
  ],
  operands: "init|encrypt",
  maxOperands: 1,
  options,
  examples: [
    ["sluice secrets init", "once, as the user the daemon runs as"],
    ["sluice secrets encrypt < password.txt", "prints password=…"],
  ],
  exitCodes: [
    [0, "done"],
    [1, "a file could not be written, or is there already"],
    [2, "the command line is wrong, or the key file is readable by others"],
  ],
};

export const command: Command = {
  spec,
  async run(args) {
    const { values, operands } = parseArguments(spec, args);
    const directory = values.directory ?? DEFAULT_DIRECTORY;
    switch (operands[0]) {
      case "init":
        print(`wrote ${initSecrets(directory)}\n`);
        return 0;
      case "encrypt": {
        const keys = SecretKeys.load(directory, REAL_FILES);
        print(`${keys.encrypt(await readPassword())}\n`);
        return 0;
      }
      default:
        throw new SluiceError("USAGE", `the form is: ${formOf(spec)}`);
    }
  },
};

/** One line of standard input; a terminal is asked for it and does not show it. */
async function readPassword(): Promise<Secret> {
  const line = process.stdin.isTTY ? await promptHidden() : (readFileSync(0, "utf8").split("\n", 1)[0] ?? "");
  if (line === "") throw new SluiceError("USAGE", "no password came on standard input");
  return new Secret(line.replace(/\r$/, ""));
}

async function promptHidden(): Promise<string> {
  printError("Password: ");
  process.stdin.setRawMode(true);
  const lines = createInterface({ input: process.stdin, terminal: true, output: undefined as never });
  try {
    return await new Promise<string>((resolve) => lines.once("line", resolve));
  } finally {
    lines.close();
    process.stdin.setRawMode(false);
    printError("\n");
  }
}
