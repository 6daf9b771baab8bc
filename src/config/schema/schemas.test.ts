import { describe, expect, test } from "bun:test";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { jsonSchema } from "../json-schema.ts";
import type { Parameter } from "../parameter.ts";
import type { ObjectSchema } from "./object-schema.ts";
import { SCHEMAS } from "./schemas.ts";

/** Every parameter of every type and module, as `kind[.module].name`. */
function everyParameter(): [string, Parameter][] {
  return Object.entries(SCHEMAS).flatMap(([kind, schema]: [string, ObjectSchema]) =>
    [["", schema.common] as const, ...Object.entries(schema.modules)].flatMap(([module, set]) =>
      Object.entries(set).map(([name, parameter]): [string, Parameter] => [
        `${kind}.${module}.${name}`,
        parameter,
      ]),
    ),
  );
}

test.each(everyParameter())("%s: it says what it does, and its default reads back", (_, parameter) => {
  expect(parameter.description).toMatch(/[.?…]$/);
  expect(parameter.presence === "default").toBe(parameter.default !== undefined);
  if (parameter.default === undefined) return;
  const parsed = parameter.type.parse(parameter.default);
  expect(parsed).toMatchObject({ ok: true });
  if (!parsed.ok) return;
  const again = parameter.type.parse(parameter.type.print(parsed.value));
  expect(again).toEqual(parsed);
});

test("a parameter is planned as long as no code reads it, and no longer", () => {
  const root = join(import.meta.dir, "../..");
  // That values fit together is no use of them.
  const isCode = (file: string): boolean =>
    file.endsWith(".ts") && !/\.test\.ts$|^config\/(schema\/|check-objects)/.test(file);
  const files = readdirSync(root, { recursive: true, encoding: "utf8" }).filter(isCode);
  const words = new Set(files.flatMap((file) => readFileSync(join(root, file), "utf8").match(/\w+/g) ?? []));
  const wrong = everyParameter().filter(([name, { planned }]) => {
    return words.has(name.split(".").at(-1) ?? "") === planned;
  });
  expect(wrong.map(([name]) => name)).toEqual([]);
});

describe("names", () => {
  test("an old name leads to a present one, and is none itself", () => {
    for (const schema of Object.values(SCHEMAS) as ObjectSchema[]) {
      const names = new Set(
        [schema.common, ...Object.values(schema.modules)].flatMap((set) => Object.keys(set)),
      );
      for (const [old, present] of Object.entries(schema.renamed)) {
        expect(names.has(present)).toBe(true);
        expect(names.has(old)).toBe(false);
      }
      for (const old of Object.keys(schema.obsolete)) expect(names.has(old)).toBe(false);
      for (const present of Object.values(schema.moduleAliases))
        expect(schema.modules[present]).toBeDefined();
    }
  });

  test("all are lower case with underscores, so that flags can be made of them", () => {
    for (const [name] of everyParameter()) expect(name.split(".").at(-1)).toMatch(/^[a-z][a-z0-9_]*$/);
  });
});

test("the JSON Schema has each type, and marks passwords write-only", () => {
  const schema = jsonSchema() as { $defs: Record<string, { properties?: Record<string, unknown> }> };
  expect(Object.keys(schema.$defs)).toEqual(Object.keys(SCHEMAS));
  expect(schema.$defs["server"]?.properties?.["monitorpw"]).toMatchObject({ writeOnly: true });
});
