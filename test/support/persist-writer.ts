// A process for persistence.test.ts to kill: saves, deletes and forgets objects for ever, and says each one it has
// acknowledged on its own line: `save o3 17`, `forget o1 18`.
import { writeSync } from "node:fs";
import { Persistence } from "../../src/config/persistence.ts";

const [directory = "", from = "0"] = process.argv.slice(2);
const persistence = await Persistence.open(directory);
for (let n = Number(from) + 1; ; n += 1) {
  const name = `o${n % 5}`;
  const forget = n % 7 === 0;
  say(`begin ${name} ${n}\n`);
  const parameters = [
    { name: "type", value: "server", at: undefined },
    { name: "address", value: `host-${n}`, at: undefined },
    { name: "monitoruser", value: "x".repeat((n * 997) % 20_000), at: undefined },
    { name: "weight", value: String(n), at: undefined },
  ];
  await (forget ? persistence.forget(name) : persistence.save({ name, parameters }));
  say(`${forget ? "forget" : "save"} ${name} ${n}\n`);
}

/** At once: a line that waits in a buffer would die with the process. */
function say(line: string): void {
  writeSync(1, line);
}
