import type { MaxScaleAttributes } from "../../../client/rest/attributes.ts";
import {
  type AttributesOf,
  type Collection,
  namingWhatExists,
  pathOf,
  SINGULAR,
} from "../../../client/rest/collections.ts";
import { collectionOf, singleOf } from "../../../client/rest/resource.ts";
import { type Action, action, type FleetCommand, one } from "../action.ts";
import type { Column } from "../columns.ts";
import { cellText } from "../printable.ts";
import { given, SHOW_FIELDS } from "../show-fields.ts";

const collections = Object.keys(SHOW_FIELDS) as readonly Collection[];

export const command: FleetCommand = {
  name: "show",
  summary: "Show everything about a server, a service, a monitor …",
  actions: [...collections.flatMap((collection) => [showOne(collection), showAll(collection)]), showDaemon()],
};

function showOne<C extends Collection>(collection: C): Action {
  const word = SINGULAR[collection];
  return action(
    {
      words: `show ${word}`,
      summary: `Show everything about a ${word}`,
      operands: [one(word.toUpperCase(), collection)],
      options: {},
      examples: [[`sluice show ${word} NAME --json`, "as a JSON document"]],
    },
    async ({ operands: [name = ""] }, { daemons, output }) => {
      const { value: document } = await daemons.first((daemon) =>
        namingWhatExists(daemon, collection, name, () => daemon.get(pathOf(collection, name))),
      );
      output.sheets(document, [fieldsOf(collection, singleOf<AttributesOf[C]>(document))]);
    },
  );
}

function showAll<C extends Collection>(collection: C): Action {
  return action(
    {
      words: `show ${collection}`,
      summary: `Show everything about all ${collection}`,
      operands: [],
      options: {},
      examples: [[`sluice show ${collection}`, "one table each"]],
    },
    async (_, { daemons, output }) => {
      const { value: document } = await daemons.first((daemon) => daemon.get(pathOf(collection)));
      const resources = collectionOf<AttributesOf[C]>(document);
      output.sheets(
        document,
        resources.map((resource) => fieldsOf(collection, resource)),
      );
    },
  );
}

function showDaemon(): Action {
  return action(
    {
      words: "show maxscale",
      summary: "Show the daemon: version, uptime, parameters",
      operands: [],
      options: {},
      examples: [["sluice show maxscale", "of this host"]],
    },
    async (_, { daemons, output }) => {
      const { value: document } = await daemons.first((daemon) => daemon.get("maxscale"));
      const { attributes } = singleOf<MaxScaleAttributes>(document);
      const fields: readonly (readonly [string, unknown])[] = [
        ["Version", attributes.version],
        ["Commit", attributes.commit],
        ["Started At", attributes.started_at],
        ["Activated At", attributes.activated_at],
        ["Uptime", attributes.uptime],
        ["Parameters", given(attributes.parameters)],
      ];
      output.sheets(document, [fields.map(([title, value]) => [title, cellText(value)] as const)]);
    },
  );
}

function fieldsOf<C extends Collection>(
  collection: C,
  resource: Parameters<Column<C>["value"]>[0],
): readonly (readonly [string, string])[] {
  const columns: readonly Column<C>[] = SHOW_FIELDS[collection];
  return columns.map(({ title, value }) => [title, cellText(value(resource))] as const);
}
