import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { clientOptions } from "../../src/config/client-options.ts";
import { parseCnf } from "../../src/config/cnf-parser.ts";
import { printSection, sectionOf } from "../../src/config/cnf-writer.ts";
import { compileConfiguration } from "../../src/config/compile-configuration.ts";
import { parametersOf } from "../../src/config/compile-object.ts";
import { allObjects, type ConfigurationObject } from "../../src/config/configuration.ts";
import { diffConfigurations, formatChange } from "../../src/config/diff-configurations.ts";
import { effectiveParameters } from "../../src/config/effective-parameters.ts";
import { loadConfiguration } from "../../src/config/load-configuration.ts";
import { readMyCnf } from "../../src/config/my-cnf.ts";
import type { Parameter } from "../../src/config/parameter.ts";
import { formatProblem, formatWarning } from "../../src/config/problem.ts";
import type { ObjectSchema } from "../../src/config/schema/object-schema.ts";
import { SCHEMAS } from "../../src/config/schema/schemas.ts";
import { fromCnf } from "../../src/config/source.ts";
import { SluiceError } from "../../src/errors/sluice-error.ts";
import { fixtureFiles } from "../support/fixture-files.ts";
import { memoryFiles } from "../support/memory-files.ts";

const RUNS = { numRuns: 1000 };

/** Text that looks enough like a file to get past the first line. */
const FRAGMENTS = [
  ...[
    "[",
    "]",
    "=",
    "\n",
    " ",
    "\t",
    "#",
    ";",
    '"',
    "'",
    ",",
    "$",
    "\\",
    "\r\n",
    "\u0000",
    "\ufeff",
    "!include /a",
    "!includedir /d",
  ],
  ..."[sluice] [db1] [maxscale] [client] type=server type=monitor type=service type=filter type=include type=deleted".split(
    " ",
  ),
  ..."module=auto module=constructor type=toString module=http router=cli router=readwritesplit servers=db1 cluster=db1 targets=rw service=rw".split(
    " ",
  ),
  ..."address=a port=1 port=x ssl=required passwd=x @include=db1 substitute_variables=1 __proto__ constructor".split(
    " ",
  ),
  ..."persistdir=/d threads=auto admin_host=:: monitor_interval=5 user password host protocol=tcp loose-ssl".split(
    " ",
  ),
];
const messyText = fc
  .array(fc.oneof(fc.constantFrom(...FRAGMENTS), fc.string({ maxLength: 8 }), fc.constant("\n")), {
    maxLength: 60,
  })
  .map((parts) => parts.join(""));

const VALID = Object.entries({ ...fixtureFiles("config/good"), ...fixtureFiles("config/source-001") })
  .filter(([name]) => name.endsWith(".cnf"))
  .map(([, text]) => text);

/** A valid file with pieces cut out, doubled, or replaced. */
const mutatedText = fc
  .tuple(
    fc.constantFrom(...VALID),
    fc.array(
      fc.tuple(
        fc.double({ min: 0, max: 1, noNaN: true }),
        fc.nat(40),
        fc.oneof(fc.constantFrom(...FRAGMENTS), fc.string({ maxLength: 5 })),
      ),
      {
        minLength: 1,
        maxLength: 8,
      },
    ),
  )
  .map(([text, edits]) =>
    edits.reduce((edited, [where, length, insert]) => {
      const at = Math.floor(where * edited.length);
      return `${edited.slice(0, at)}${insert}${edited.slice(at + length)}`;
    }, text),
  );

describe("the parser of .cnf", () => {
  test("any text is a configuration or a list of problems with places, never an exception", () => {
    fc.assert(
      fc.property(fc.oneof(messyText, mutatedText), messyText, (main, other) => {
        const files = memoryFiles({ "/x.cnf": main, "/x.cnf.d/a.cnf": other, "/d/db1.cnf": other });
        const result = loadConfiguration("/x.cnf", files, { PATH: "/bin" });
        for (const warning of result.warnings) expect(formatWarning(warning)).not.toContain("undefined");
        if (result.ok) {
          expect(diffConfigurations(result.configuration, result.configuration)).toEqual([]);
          for (const object of allObjects(result.configuration)) effectiveParameters(object);
          return;
        }
        expect(result.problems.length).toBeGreaterThan(0);
        for (const problem of result.problems) {
          expect(problem.wrong).not.toContain("undefined");
          expect(formatProblem(problem)).toMatch(/.+; .+/s);
        }
      }),
      RUNS,
    );
  });

  test("what loads from a mutated file loads again from its own objects, the same", () => {
    fc.assert(
      fc.property(
        fc.oneof({ weight: 1, arbitrary: fc.constantFrom(...VALID) }, { weight: 9, arbitrary: mutatedText }),
        (text) => {
          const first = loadConfiguration("/x.cnf", memoryFiles({ "/x.cnf": text }), {});
          if (!first.ok) return;
          const printed = allObjects(first.configuration).map((object) => printSection(sectionOf(object)));
          const again = loadConfiguration("/x.cnf", memoryFiles({ "/x.cnf": printed.join("\n") }), {});
          if (!again.ok) throw new Error(again.problems.map(formatProblem).join("\n"));
          expect(diffConfigurations(first.configuration, again.configuration).map(formatChange)).toEqual([]);
        },
      ),
      RUNS,
    );
  });
});

/** Texts that some parameter type takes; which one takes what is asked of the type. */
const TEXTS = fc.oneof(
  fc.constantFrom(
    ..."true off auto 0 1 7 -1 50% 0.25 1s 250ms 2min 1h 16Mi 1k 65536 /a/b db1 a,b,c none all always nonblocking".split(
      " ",
    ),
  ),
  fc.constantFrom(
    ..."10.0.0.1 fd00::1 ::1 10.0.0.0/8 10.0.0.1,fd00::/8 h:80 [fd00::1]:80 TLSv1.2,TLSv1.3 full v2 source drain 404".split(
      " ",
    ),
  ),
  fc.nat(100_000).map(String),
  fc.nat(100_000).map((n) => `${n}ms`),
  fc
    .string({ unit: "grapheme", minLength: 1, maxLength: 30 })
    .filter((text) => !/[\u0000-\u001f\u007f]/.test(text)),
  fc
    .array(fc.constantFrom(" ", "\u2028", "#", ";", '"', "'", ",", "$", "=", "[", "]", "a", "\u00a0"), {
      minLength: 1,
      maxLength: 8,
    })
    .map((parts) => parts.join("")),
);

describe("printing", () => {
  const everyType = (Object.entries(SCHEMAS) as [string, ObjectSchema][]).flatMap(([kind, schema]) =>
    [schema.common, ...Object.values(schema.modules)].flatMap((set) =>
      Object.entries(set).map(([name, parameter]): [string, Parameter] => [`${kind}.${name}`, parameter]),
    ),
  );

  test("a value prints as a text that means the same value", () => {
    fc.assert(
      fc.property(fc.constantFrom(...everyType), TEXTS, ([, { type }], text) => {
        const parsed = type.parse(text);
        if (!parsed.ok) return;
        const again = type.parse(type.print(parsed.value));
        if (!again.ok)
          throw new Error(`${JSON.stringify(text)} printed as ${type.print(parsed.value)}: ${again.wrong}`);
        expect(type.print(again.value)).toBe(type.print(parsed.value));
        expect(again.value).toEqual(parsed.value);
      }),
      { numRuns: 5000 },
    );
  });

  test("an object prints as a section that is the same object", () => {
    fc.assert(
      fc.property(anyObject(), (section) => {
        const text = printSection(section);
        const parsed = parseCnf("/x", text);
        expect(parsed.problems).toEqual([]);
        const pairs = (parameters: readonly { readonly name: string; readonly value: string }[]) =>
          parameters.map(({ name, value }) => [name, value]);
        expect(pairs(parsed.sections[0]?.parameters ?? [])).toEqual(pairs(section.parameters));
        const direct = objectNamed(
          "it",
          compileConfiguration([{ ...section, at: undefined, origin: "file" }, ...TARGETS], {}),
        );
        const through = objectNamed(
          "it",
          compileConfiguration([...fromCnf(parsed.sections, "file"), ...TARGETS], {}),
        );
        expect(through?.parameters).toEqual(direct?.parameters as never);
      }),
      RUNS,
    );
  });
});

const given = (values: Readonly<Record<string, string>>) =>
  Object.entries(values).map(([name, value]) => ({ name, value, at: undefined, quoted: true }));

/** What the names in TEXTS may refer to. */
const TARGETS = [
  {
    name: "db1",
    at: undefined,
    origin: "file" as const,
    parameters: given({ type: "server", address: "db1.example" }),
  },
];

/** A section of any kind and module, with some parameters that their types take. Rules between parameters may refuse it. */
function anyObject() {
  const forms = (Object.entries(SCHEMAS) as [string, ObjectSchema][])
    .filter(([kind]) => kind !== "sluice")
    .flatMap(([kind, schema]) =>
      schema.moduleParameter === undefined
        ? [{ base: { type: kind }, set: parametersOf(schema, undefined) }]
        : Object.keys(schema.modules).map((module) => ({
            base: { type: kind, [schema.moduleParameter as string]: module },
            set: parametersOf(schema, module),
          })),
    );
  return fc.constantFrom(...forms).chain(({ base, set }) =>
    fc
      .dictionary(fc.constantFrom(...Object.keys(set)), TEXTS, { maxKeys: 8 })
      .map((values) =>
        Object.fromEntries(Object.entries(values).filter(([name, text]) => set[name]?.type.parse(text).ok)),
      )
      .map((values) => ({ name: "it", parameters: given({ ...base, ...values }) })),
  );
}

function objectNamed(
  name: string,
  result: ReturnType<typeof compileConfiguration>,
): ConfigurationObject | undefined {
  return result.ok ? allObjects(result.configuration).find((object) => object.name === name) : undefined;
}

test("any option file is options or CONFIG_INVALID with a place", () => {
  fc.assert(
    fc.property(messyText, messyText, (main, other) => {
      const files = memoryFiles({ "/my.cnf": main, "/a": other, "/d/b.cnf": other });
      try {
        clientOptions(readMyCnf({ groups: ["client", "db1"], onlyFile: "/my.cnf" }, files).options);
      } catch (error) {
        expect(error).toBeInstanceOf(SluiceError);
        expect((error as SluiceError).code).toBe("CONFIG_INVALID");
        expect((error as SluiceError).message).toMatch(/^\/[a-z./]+:\d+: /);
      }
    }),
    RUNS,
  );
});
