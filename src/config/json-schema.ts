import type { Parameter, ParameterSet } from "./parameter.ts";
import type { ObjectSchema } from "./schema/object-schema.ts";
import { SCHEMAS } from "./schema/schemas.ts";
import type { JsonSchema } from "./values/value-type.ts";

/** The JSON Schema of the parameters of every object type, as REST takes them and editors check them. */
export function jsonSchema(): JsonSchema {
  const definitions = Object.entries(SCHEMAS).map(([kind, schema]) => [kind, typeSchema(kind, schema)]);
  return {
    $schema: "https://json-schema.org/draft/2020-12/schema",
    $id: "sluice.schema.json",
    title: "Sluice objects",
    description: "The parameters of each object type. x-restart: a change takes a restart.",
    $defs: Object.fromEntries(definitions),
    anyOf: Object.keys(SCHEMAS).map((kind) => ({ $ref: `#/$defs/${kind}` })),
  };
}

function typeSchema(kind: string, schema: ObjectSchema): JsonSchema {
  const { moduleParameter, modules, common, description } = schema;
  const type = kind === "sluice" ? {} : { type: { const: kind } };
  if (moduleParameter === undefined) return objectSchema(description, type, common);
  return {
    description,
    oneOf: Object.entries(modules).map(([module, own]) =>
      objectSchema(
        `${moduleParameter}=${module}`,
        { ...type, [moduleParameter]: { const: module } },
        { ...common, ...own },
      ),
    ),
  };
}

function objectSchema(description: string, constants: JsonSchema, set: ParameterSet): JsonSchema {
  const properties = Object.entries(set).map(([name, parameter]) => [name, parameterSchema(parameter)]);
  const required = Object.entries(set).flatMap(([name, { presence }]) =>
    presence === "required" ? [name] : [],
  );
  return {
    description,
    type: "object",
    properties: { ...constants, ...Object.fromEntries(properties) },
    required: [...Object.keys(constants), ...required],
    additionalProperties: false,
  };
}

function parameterSchema({ type, description, default: standard, fixed }: Parameter): JsonSchema {
  return {
    description: `${description} Expected: ${type.expected}.`,
    ...type.json,
    ...(standard === undefined ? {} : { default: standard }),
    ...(fixed ? { "x-restart": true } : {}),
  };
}
