// The entry; replaced by the dispatcher of the command line.
import { agentCommand } from "./agent.ts";
import { runCommand } from "./run.ts";

const [name, ...args] = process.argv.slice(2);
try {
  process.exit(await (name === "run" ? runCommand(args) : agentCommand(args)));
} catch (error) {
  process.stderr.write(`${String(error)}\n`);
  process.exit(1);
}
