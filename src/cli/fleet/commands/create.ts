import {
  createAccount,
  createObject,
  type Links,
  type ObjectCollection,
} from "../../../client/rest/changes.ts";
import { type ObjectKind, SCHEMAS } from "../../../config/schema/schemas.ts";
import { oneOf } from "../../../config/values/choice.ts";
import { splitList } from "../../../config/values/text.ts";
import { SluiceError } from "../../../errors/sluice-error.ts";
import { option } from "../../command.ts";
import { quote } from "../../parse-arguments.ts";
import { type Action, action, type FleetCommand, one, optional } from "../action.ts";
import { NEW_PASSWORD_FILE, newPassword } from "../new-password.ts";
import { objectParameters } from "../object-parameters.ts";

const SERVER = action(
  {
    words: "create server",
    summary: "Create a server",
    details: [
      "The address is a parameter; `create server NAME HOST [PORT]` and `create server NAME SOCKET`, as of old, are possible too.",
    ],
    operands: [one("NAME"), optional("HOST|SOCKET"), optional("PORT")],
    options: {},
    lists: { monitors: "monitors", services: "services" },
    parameters: "server",
    examples: [
      [
        "sluice create server db1 address=10.0.0.1 port=3306 --monitors cluster",
        "and have it watched at once",
      ],
      ["sluice create server db2 10.0.0.2 3306", "as maxadmin and older maxctrl write it"],
    ],
  },
  async ({ values, operands, parameters }, fleet) => {
    const [name = "", place, port] = operands;
    const given = await objectParameters("server", parameters, false, fleet);
    const lists = values as Readonly<Record<string, string | undefined>>;
    const links = linksTo(lists, ["monitors", "services"]);
    const all = { ...addressOf(place, port), ...given.parameters };
    const object = { name, module: undefined, parameters: all, links };
    fleet.output.done(await fleet.daemons.everywhere((daemon) => createObject(daemon, "servers", object)));
  },
);

const LISTENER = action(
  {
    words: "create listener",
    summary: "Create a listener: an address where clients reach a service",
    operands: [one("SERVICE", "services"), one("NAME"), optional("PORT")],
    options: {},
    parameters: "listener",
    examples: [
      ["sluice create listener rw rw-listener 4006", "on every address of the host"],
      [
        "sluice create listener rw rw-tls 4007 address=10.0.0.9 ssl=true ssl_key=/etc/k.pem ssl_cert=/etc/c.pem",
        "with TLS",
      ],
    ],
  },
  async ({ operands: [service = "", name = "", port], parameters }, fleet) => {
    const given = await objectParameters("listener", parameters, false, fleet);
    const all = { ...(port === undefined ? {} : { port: portText(port) }), ...given.parameters };
    const object = { name, module: undefined, parameters: all, links: { services: [service] } };
    fleet.output.done(await fleet.daemons.everywhere((daemon) => createObject(daemon, "listeners", object)));
  },
);

const USER = action(
  {
    words: "create user",
    summary: "Create an account of the REST API",
    details: [
      "The password is asked for, twice; it is never an argument, because every user of the host can read those.",
    ],
    operands: [one("NAME")],
    options: {
      type: option("admin|basic", oneOf(["admin", "basic"]), "basic (the default) may only read"),
      ...NEW_PASSWORD_FILE,
    },
    examples: [["sluice create user monitoring --type basic", "for a monitoring system"]],
  },
  async ({ values, operands: [name = ""] }, fleet) => {
    const password = await newPassword(values, name, fleet);
    fleet.output.done(
      await fleet.daemons.everywhere((daemon) =>
        createAccount(daemon, name, password, values.type ?? "basic"),
      ),
    );
  },
);

const LISTS_OF_SERVICE = { servers: "servers", services: "services" } as const;

export const command: FleetCommand = {
  name: "create",
  summary: "Create a server, a monitor, a service, a listener, a publisher or an account",
  actions: [
    SERVER,
    withModule(
      "monitors",
      "monitor",
      "MODULE",
      "Create a monitor, which watches servers",
      { servers: "servers" },
      [
        [
          "sluice create monitor cluster mariadbmon user=monitor password=- --servers db1 db2",
          "asks for the password",
        ],
      ],
    ),
    withModule(
      "services",
      "service",
      "ROUTER",
      "Create a service, which leads to servers",
      LISTS_OF_SERVICE,
      [
        [
          "sluice create service rw readwritesplit user=sluice password=- --cluster cluster",
          "follows a monitor",
        ],
      ],
    ),
    LISTENER,
    withModule(
      "publishers",
      "publisher",
      "MODULE",
      "Create a publisher, which tells others of a verdict",
      {},
      [["sluice create publisher node http server=db1 port=9200", "HTTP 200 or 503 on port 9200"]],
    ),
    USER,
  ],
};

/** An object of which there are several modules: the second operand says which. */
function withModule(
  collection: ObjectCollection,
  kind: ObjectKind,
  operand: "MODULE" | "ROUTER",
  summary: string,
  lists: NonNullable<Action["lists"]>,
  examples: Action["examples"],
): Action {
  const modules = Object.keys(SCHEMAS[kind].modules);
  return action(
    {
      words: `create ${kind}`,
      summary,
      details: [`${operand}: ${modules.join(", ")}.`],
      operands: [one("NAME"), one(operand)],
      options: {},
      lists,
      parameters: kind,
      examples,
    },
    async ({ values, operands: [name = "", module = ""], parameters }, fleet) => {
      const given = await objectParameters(kind, parameters, false, fleet);
      const listed = linksTo(values as Readonly<Record<string, string | undefined>>, Object.keys(lists));
      const links = { ...given.links, ...listed };
      const chosen = operand === "ROUTER" ? { router: module } : { module };
      const object = { name, module: chosen, parameters: given.parameters, links };
      fleet.output.done(await fleet.daemons.everywhere((daemon) => createObject(daemon, collection, object)));
    },
  );
}

/** What `--servers a b` and the like say. */
function linksTo(values: Readonly<Record<string, string | undefined>>, types: readonly string[]): Links {
  return Object.fromEntries(
    types.flatMap((type) => {
      const names = values[type];
      return names === undefined ? [] : [[type, splitList(names)]];
    }),
  );
}

function addressOf(place: string | undefined, port: string | undefined): Readonly<Record<string, string>> {
  if (place === undefined) return {};
  if (place.startsWith("/")) return { socket: place };
  return { address: place, ...(port === undefined ? {} : { port: portText(port) }) };
}

/** Here and not by the daemon: a word in the wrong place is a slip in the command, not in a parameter. */
function portText(word: string): string {
  if (/^\d+$/.test(word)) return word;
  throw new SluiceError("USAGE", `${quote(word)} is no port: parameters are given as KEY=VALUE`);
}
