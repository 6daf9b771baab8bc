import { z } from "zod";
import { SluiceError } from "../../errors/sluice-error.ts";

const IDENTIFIER = z.object({ id: z.string().min(1), type: z.string().optional() });
const RELATIONSHIP = z.object({ data: z.array(IDENTIFIER).max(10_000).nullable().optional() });

/** Several times what any object has; each that is unknown is compared with all that are known. */
const MAX_PARAMETERS = 500;

/** Any object of the configuration, as POST and PATCH give it. What is not named here is passed over, as MaxScale does. */
export const OBJECT_BODY = z
  .object({
    data: z.object({
      id: z.string().optional(),
      type: z.string().optional(),
      attributes: z
        .object({
          module: z.string().optional(),
          router: z.string().optional(),
          parameters: z
            .record(z.string(), z.unknown())
            .refine((given) => Object.keys(given).length <= MAX_PARAMETERS, {
              error: `more than ${MAX_PARAMETERS} parameters`,
            })
            .optional(),
        })
        .optional(),
      relationships: z.record(z.string(), RELATIONSHIP).optional(),
    }),
  })
  .describe("An object: its name, its module, its parameters and what it is linked to.");

/** `PATCH …/relationships/servers`. */
export const RELATIONSHIP_BODY = z
  .object({ data: z.array(IDENTIFIER).max(10_000).nullable() })
  .describe("The objects that take the place of those it is linked to now.");

export const NEW_ACCOUNT_BODY = z
  .object({
    data: z.object({
      id: z.string(),
      type: z.literal("inet").optional(),
      attributes: z.object({
        password: z.string(),
        account: z.enum(["admin", "basic"]),
      }),
    }),
  })
  .describe("A new account. `basic` may only read.");

export const PASSWORD_BODY = z
  .object({
    data: z.object({
      attributes: z.object({ password: z.string(), account: z.enum(["admin", "basic"]).optional() }),
    }),
  })
  .describe("A new password.");

export type ObjectBody = z.infer<typeof OBJECT_BODY>;
/** What a body links to, by type; a type that is not named stays as it is. */
export type Links = ReadonlyMap<string, readonly string[]>;

/** Checks a body against its shape. Throws REQUEST_INVALID with every mistake, a line each. */
export function parseBody<T>(shape: z.ZodType<T>, body: unknown): T {
  if (body === undefined) throw new SluiceError("REQUEST_INVALID", "the request needs a JSON body");
  const parsed = shape.safeParse(body);
  if (parsed.success) return parsed.data;
  const lines = parsed.error.issues
    .slice(0, 20)
    .map(({ path, message }) => `${path.length === 0 ? "the body" : path.map(String).join(".")}: ${message}`);
  throw new SluiceError("REQUEST_INVALID", lines.join("\n"));
}

/** The body's relationships; a name that is there twice counts once. */
export function linksOf(body: ObjectBody): Links {
  const given = Object.entries(body.data.relationships ?? {});
  return new Map(
    given.flatMap(([type, { data }]) => (data === undefined ? [] : [[type, identifiers(data)] as const])),
  );
}

export function identifiers(data: z.infer<typeof RELATIONSHIP_BODY>["data"]): readonly string[] {
  return [...new Set((data ?? []).map(({ id }) => id))];
}

/** A new object's name. */
export function nameOf(body: ObjectBody, type: string): string {
  checkType(body, type);
  const { id } = body.data;
  if (id === undefined || id === "") throw new SluiceError("REQUEST_INVALID", "data.id: the name is missing");
  return id;
}

/** A change may repeat name and type, and not change them. */
export function checkIdentity(body: ObjectBody, type: string, name: string): void {
  checkType(body, type);
  const { id } = body.data;
  if (id !== undefined && id !== name) {
    throw new SluiceError(
      "REQUEST_INVALID",
      `data.id: found ${id}; an object cannot be renamed, it is ${name}`,
    );
  }
}

function checkType({ data }: ObjectBody, type: string): void {
  if (data.type !== undefined && data.type !== type) {
    throw new SluiceError("REQUEST_INVALID", `data.type: found ${data.type}; expected ${type}`);
  }
}
