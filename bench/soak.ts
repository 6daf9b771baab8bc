// npm run bench:soak: random faults under load; every acknowledged insert has to be found again. --minutes 30 --clients 32 --seed 1
import { parseArgs } from "node:util";
import { soak } from "../test/support/soak/soak.ts";
import { median } from "./health/load.ts";
import { bound, conclusion, report, section } from "./report.ts";

const { values } = parseArgs({
  options: {
    minutes: { type: "string", default: "30" },
    clients: { type: "string", default: "32" },
    seed: { type: "string", default: String(Math.floor(Math.random() * 1e6)) },
  },
});
const settings = {
  minutes: Number(values.minutes),
  clients: Number(values.clients),
  seed: Number(values.seed),
};

section(
  `Random faults for ${settings.minutes} minutes, ${settings.clients} clients, --seed ${settings.seed}`,
);
const result = await soak({ ...settings, say: (line) => console.log(`  ${line}`) });

section("Faults");
for (const [name, count] of result.faults) report(name, count, "times");
section("Errors that clients saw, and tried again after");
for (const [code, count] of result.errors) report(code, count, "times");
bound("during faults that nobody should notice", result.errorsOfGentleFaults, "<=", 0, "errors");

section("What came of it");
report("acknowledged inserts", result.acknowledged, "");
bound("of these not found again", result.lost, "<=", 0, "");
bound("longest stall of an insert", result.longestStallMs / 1000, "<", 30, "s");
bound("clients stuck", result.isAnyoneStuck ? 1 : 0, "<=", 0, "");
bound("sessions left when all clients had gone", result.sessionsLeft, "<=", 0, "");

section("Memory of a worker");
const part = Math.max(1, Math.floor(result.memory.length / 5));
const parts = Array.from({ length: 5 }, (_, i) => median(result.memory.slice(i * part, (i + 1) * part)));
for (const [i, mb] of parts.entries()) report(`fifth ${i + 1}, median`, mb, "MB");
bound("most", Math.max(...result.memory), "<", 150, "MB");
bound("last fifth / second fifth", (parts[4] ?? 0) / (parts[1] ?? 0), "<=", 1.2, "x");
process.exit(conclusion());
