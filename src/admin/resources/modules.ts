import type { Parameter, ParameterSet } from "../../config/parameter.ts";
import type { ObjectSchema } from "../../config/schema/object-schema.ts";
import { SCHEMAS } from "../../config/schema/schemas.ts";
import { SluiceError } from "../../errors/sluice-error.ts";
import type { CommandInfo, Control } from "../control.ts";
import {
  type AdminContext,
  type Answer,
  DONE,
  type Exchange,
  found,
  type Method,
  type Route,
} from "../http/route.ts";
import type { Resource, ResourceFactory } from "../json-api/document.ts";
import { jsonValue } from "../json-api/parameters.ts";

interface ModuleInfo {
  readonly name: string;
  readonly type: string;
  readonly description: string;
  readonly parameters: ParameterSet;
}

export const MODULE_ROUTES: readonly Route[] = [
  {
    method: "GET",
    path: "/v1/maxscale/modules",
    summary: "Monitors, routers and publishers, with their parameters and commands.",
    access: "read",
    query: { load: "all: also those that are not in use (all are built in)" },
    answer: "document",
    handle: ({ make }, { control }) =>
      found({
        data: MODULES.map((module) => moduleResource(module, control, make)),
        links: { self: make.link("maxscale/modules") },
      }),
  },
  {
    method: "GET",
    path: "/v1/maxscale/modules/:name",
    summary: "One module.",
    access: "read",
    answer: "document",
    handle: ({ params, make }, { control }) => {
      const data = moduleResource(moduleNamed(params["name"] ?? ""), control, make);
      return found({ data, links: data.links });
    },
  },
  commandRoute("GET", "read", "Calls a command of a module that changes nothing."),
  commandRoute(
    "POST",
    "command",
    "Calls a command of a module; its arguments are the bare parts of the query.",
  ),
];

/** Old names of modules, as the configuration takes them. */
const ALIASES: Readonly<Record<string, string>> = {
  ...SCHEMAS.monitor.moduleAliases,
  mariadbclient: "listeners",
  mariadbprotocol: "listeners",
};

const MODULES: readonly ModuleInfo[] = [
  whole("maxscale", "Core", SCHEMAS.sluice),
  whole("servers", "Server", SCHEMAS.server),
  whole("listeners", "Protocol", SCHEMAS.listener),
  ...modulesOf("Monitor", SCHEMAS.monitor),
  ...modulesOf("Router", SCHEMAS.service),
  ...modulesOf("Publisher", SCHEMAS.publisher),
];

function whole(name: string, type: string, { description, common }: ObjectSchema): ModuleInfo {
  return { name, type, description, parameters: common };
}

function modulesOf(type: string, { description, common, modules }: ObjectSchema): readonly ModuleInfo[] {
  return Object.entries(modules).map(([name, own]) => ({
    name,
    type,
    description,
    parameters: { ...common, ...own },
  }));
}

function moduleNamed(name: string): ModuleInfo {
  const lower = name.toLowerCase();
  const present = Object.hasOwn(ALIASES, lower) ? ALIASES[lower] : lower;
  const module = MODULES.find((other) => other.name === present);
  if (module === undefined) throw new SluiceError("NOT_FOUND", `there is no module called ${name}`);
  return module;
}

function moduleResource(module: ModuleInfo, control: Control, make: ResourceFactory): Resource {
  const { name, type, description, parameters } = module;
  const commands = control.commands().filter((command) => command.module === name);
  const attributes = {
    module_type: type,
    version: control.program.version,
    maturity: "GA",
    description,
    api: type.toLowerCase(),
    parameters: Object.entries(parameters).map(([parameter, definition]) => describe(parameter, definition)),
    commands: commands.map((command) => commandDocument(command, make)),
  };
  return make.resource(`maxscale/modules/${name}`, "modules", attributes);
}

function describe(name: string, parameter: Parameter): Readonly<Record<string, unknown>> {
  const { type, description, presence, fixed } = parameter;
  const standard = parameter.default === undefined ? undefined : type.parse(parameter.default);
  const choices = type.json["enum"];
  return {
    name,
    description,
    type: typeName(parameter),
    mandatory: presence === "required",
    modifiable: !fixed,
    expected: type.expected,
    ...(standard?.ok ? { default_value: jsonValue(parameter, standard.value) } : {}),
    ...(Array.isArray(choices) && typeName(parameter) === "enum" ? { enum_values: choices } : {}),
    ...(type.unit === undefined ? {} : { unit: type.unit }),
  };
}

function typeName({ type, secret }: Parameter): string {
  if (secret) return "password";
  if (type.unit === "ms") return "duration";
  if (type.unit === "bytes") return "size";
  if (type.refersTo !== undefined) return type.refersTo.join("|");
  const kinds = [type.json["type"]].flat();
  if (kinds.includes("boolean")) return "bool";
  if (type.json["enum"] !== undefined) return "enum";
  if (kinds.includes("integer")) return Number(type.json["minimum"]) >= 0 ? "count" : "int";
  return type.json["pattern"] === "^/" ? "path" : "string";
}

function commandDocument(command: CommandInfo, make: ResourceFactory): Readonly<Record<string, unknown>> {
  const { module, name, description, writes } = command;
  const parameters = command.arguments;
  return {
    id: name,
    type: "module_command",
    attributes: {
      method: writes ? "POST" : "GET",
      description,
      arg_min: parameters.filter(({ required }) => required).length,
      arg_max: parameters.length,
      parameters: parameters.map(({ type, required, description: meaning }) => ({
        type: required ? type : `[${type}]`,
        required,
        description: meaning,
      })),
    },
    links: { self: make.link(`maxscale/modules/${module}/${name}`) },
  };
}

function commandRoute(method: Method & ("GET" | "POST"), access: "read" | "command", summary: string): Route {
  return {
    method,
    path: "/v1/maxscale/modules/:name/:command",
    summary,
    access,
    answer: "document",
    handle: (exchange, context) => call(exchange, context, method),
  };
}

async function call(
  { params, query, make }: Exchange,
  { control }: AdminContext,
  method: Method,
): Promise<Answer> {
  const module = moduleNamed(params["name"] ?? "").name;
  const name = params["command"] ?? "";
  const command = control.commands().find((other) => other.module === module && other.name === name);
  if (command === undefined) {
    throw new SluiceError("NOT_FOUND", `the module ${module} has no command called ${name}`);
  }
  if (command.writes !== (method === "POST")) {
    throw new SluiceError("METHOD_NOT_ALLOWED", `${name} is called with ${command.writes ? "POST" : "GET"}`);
  }
  checkCount(command, query.parts.length);
  const meta = await control.callCommand(module, name, query.parts);
  if (meta === undefined || meta === null) return DONE;
  return found({ meta, links: { self: make.link(`maxscale/modules/${module}/${name}`) } });
}

function checkCount(command: CommandInfo, found: number): void {
  const most = command.arguments.length;
  const least = command.arguments.filter(({ required }) => required).length;
  if (found >= least && found <= most) return;
  const words = command.arguments.map(({ type, required }) => (required ? type : `[${type}]`)).join(" ");
  throw new SluiceError(
    "REQUEST_INVALID",
    `${command.name} takes: ${words || "no arguments"}; found ${found}`,
  );
}
