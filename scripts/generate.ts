// Writes the files that are generated from the source: docs/errors.md, docs/parameters.md, the manual page and schema/*.json.
// `generate.ts --check` writes nothing and exits 1 if one of them is not what it would write.
import { readFileSync, writeFileSync } from "node:fs";
import { jsonSchema } from "../src/config/json-schema.ts";
import { CATALOGUE } from "../src/errors/catalogue.ts";
import { manualPage } from "./man-page.ts";
import { parametersDocument } from "./parameters-document.ts";

function errorsDocument(): string {
  const rows = Object.entries(CATALOGUE).map(
    ([code, e]) => `| \`${code}\` | ${e.meaning} | ${e.remedy || "—"} | ${e.http} | ${e.exit} | ${e.kind} |`,
  );
  return [
    "# Codes",
    "",
    "Every reason a verdict can carry and every error a command can end with. Generated from `src/errors/catalogue.ts`.",
    "",
    "| code | meaning | what to do | HTTP | exit | kind |",
    "|---|---|---|---|---|---|",
    ...rows,
    "",
  ].join("\n");
}

const files: Record<string, string> = {
  "docs/errors.md": errorsDocument(),
  "docs/parameters.md": parametersDocument(),
  "packaging/man/sluice.8": await manualPage(),
  "schema/sluice.schema.json": `${JSON.stringify(jsonSchema(), undefined, 2)}\n`,
};

const check = process.argv.includes("--check");
const stale: string[] = [];
for (const [path, text] of Object.entries(files)) {
  let present = "";
  try {
    present = readFileSync(path, "utf8");
  } catch {
    // a missing file is a stale one
  }
  if (present === text) continue;
  stale.push(path);
  if (!check) writeFileSync(path, text);
}
if (check && stale.length > 0) {
  console.error(`out of date: ${stale.join(", ")}; run: npx bun run scripts/generate.ts`);
  process.exit(1);
}
console.log(check ? "generated files are up to date" : `wrote ${stale.join(", ") || "nothing"}`);
