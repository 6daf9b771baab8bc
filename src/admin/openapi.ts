import { z } from "zod";
import { jsonSchema } from "../config/json-schema.ts";
import type { Route } from "./http/route.ts";

type Json = Readonly<Record<string, unknown>>;

const JSON_TYPE = "application/json";
const ERROR = {
  type: "object",
  required: ["errors"],
  properties: {
    errors: {
      type: "array",
      items: {
        type: "object",
        required: ["detail", "code"],
        properties: {
          detail: { type: "string", description: "What was wrong, and what would be right." },
          code: { type: "string", description: "A code of docs/errors.md." },
        },
      },
    },
  },
};

/** The API's description (OpenAPI 3.1), made of the routes and of the schemas that the configuration is checked by. */
export function openApiDocument(routes: readonly Route[], version: string): Json {
  const paths = new Map<string, Record<string, Json>>();
  for (const route of routes) {
    const path = route.path.replace(/:(\w+)/g, "{$1}");
    const item = paths.get(path) ?? {};
    item[route.method.toLowerCase()] = operation(route);
    paths.set(path, item);
  }
  return {
    openapi: "3.1.0",
    info: {
      title: "Sluice admin API",
      version,
      description: "JSON:API, with MaxScale's resources and field names. Passwords are write-only.",
    },
    paths: Object.fromEntries(paths),
    components: {
      schemas: { ...(jsonSchema()["$defs"] as Json), error: ERROR },
      securitySchemes: {
        basic: { type: "http", scheme: "basic" },
        token: { type: "http", scheme: "bearer", bearerFormat: "JWT", description: "From GET /v1/auth." },
      },
    },
    security: [{ basic: [] }, { token: [] }],
  };
}

function operation(route: Route): Json {
  const { method, path, summary, access, body, query = {} } = route;
  const names = [...path.matchAll(/:(\w+)/g)].map(([, name = ""]) => name);
  return {
    operationId: operationId(method, path),
    summary,
    ...(access === "open" ? { security: [] } : {}),
    parameters: [
      ...names.map((name) => ({ name, in: "path", required: true, schema: { type: "string" } })),
      ...Object.entries(query).map(([name, description]) => ({
        name,
        in: "query",
        description,
        schema: { type: "string" },
      })),
    ],
    ...(body === undefined
      ? {}
      : { requestBody: { required: true, content: { [JSON_TYPE]: { schema: z.toJSONSchema(body) } } } }),
    responses: responses(route),
  };
}

function responses({ answer, access, path, body }: Route): Json {
  const failure = (description: string) => ({
    description,
    content: { [JSON_TYPE]: { schema: { $ref: "#/components/schemas/error" } } },
  });
  const writes = access === "write" || access === "command";
  return {
    ...(answer === "nothing"
      ? { "204": { description: "Done." } }
      : { "200": { description: "The answer." } }),
    ...(access === "command" ? { "204": { description: "Done; the command has nothing to say." } } : {}),
    ...(access === "open" ? {} : { "401": failure("No account, or one that may only read.") }),
    "400": failure("The request is wrong; each mistake is told."),
    ...(path.includes(":") || writes ? { "404": failure("There is no such object.") } : {}),
    ...(writes
      ? { "403": failure("The present state forbids it: what it is linked to, or what it is.") }
      : {}),
    ...(writes && body !== undefined ? { "409": failure("There is an object of that name already.") } : {}),
    "429": failure("Too many failed logins."),
    "503": failure("Too many requests wait."),
  };
}

/** `patchServersNameRelationshipsType` */
function operationId(method: string, path: string): string {
  const words = path.split(/[^A-Za-z0-9]+/).filter((word) => word !== "" && word !== "v1");
  return method.toLowerCase() + words.map((word) => word.charAt(0).toUpperCase() + word.slice(1)).join("");
}
