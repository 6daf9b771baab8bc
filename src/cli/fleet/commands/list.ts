import type { ModuleAttributes, ModuleCommand } from "../../../client/rest/attributes.ts";
import { type AttributesOf, type Collection, pathOf } from "../../../client/rest/collections.ts";
import { collectionOf, type Resource, related } from "../../../client/rest/resource.ts";
import { type Action, action, type FleetCommand, optional } from "../action.ts";
import { type Column, rowsOf, titles } from "../columns.ts";
import { LIST_COLUMNS } from "../list-columns.ts";
import { printable } from "../printable.ts";
import { listEvents } from "./events.ts";

const SUMMARIES: Readonly<Record<Collection, string>> = {
  servers: "List servers with their state",
  services: "List services and what they route to",
  monitors: "List monitors and their servers",
  listeners: "List listeners and their services",
  publishers: "List publishers and what they tell",
  filters: "List filters (there are none)",
  sessions: "List client sessions",
  users: "List accounts of the REST API",
  modules: "List monitor, router and publisher modules",
  threads: "List the processes: 0 is in control, the others carry connections",
};

const collections = Object.keys(LIST_COLUMNS) as readonly Collection[];

export const command: FleetCommand = {
  name: "list",
  summary: "List servers, services, monitors, events …",
  actions: [...collections.map(listAction), listEvents, listCommands()],
};

function listAction<C extends Collection>(collection: C): Action {
  const columns: readonly Column<C>[] = LIST_COLUMNS[collection];
  const isNarrow = collection === "listeners";
  return action(
    {
      words: `list ${collection}`,
      summary: SUMMARIES[collection],
      operands: isNarrow ? [optional("SERVICE", "services")] : [],
      options: {},
      examples: [[`sluice list ${collection}`, "on this host"]],
    },
    async ({ operands: [service] }, { daemons, output }) => {
      const { value: document } = await daemons.first((daemon) => daemon.get(pathOf(collection)));
      const all = collectionOf<AttributesOf[C]>(document);
      const resources = service === undefined ? all : all.filter(isOf(service));
      output.table(document, titles(columns), rowsOf(columns, resources));
    },
  );
}

const isOf =
  (service: string) =>
  (resource: Resource): boolean =>
    related(resource, "services").includes(service);

/** What `call command` can call. */
function listCommands(): Action {
  return action(
    {
      words: "list commands",
      summary: "List the commands of modules",
      operands: [],
      options: {},
      examples: [["sluice list commands", "what `sluice call command` can call"]],
    },
    async (_, { daemons, output }) => {
      const { value: document } = await daemons.first((daemon) => daemon.get(pathOf("modules")));
      const modules = collectionOf<ModuleAttributes>(document);
      const rows = modules.flatMap(({ id, attributes }) =>
        (attributes.commands ?? []).map((one) => [
          id,
          one.id,
          argumentsOf(one),
          one.attributes?.description ?? "",
        ]),
      );
      output.table(
        document,
        ["Module", "Command", "Arguments", "Description"],
        rows.map((row) => row.map(printable)),
      );
    },
  );
}

const argumentsOf = ({ attributes }: ModuleCommand): string =>
  (attributes?.parameters ?? []).map(({ type = "" }) => type).join(" ");
