import { reloadAccounts, reloadConfiguration, reloadTls } from "../../../client/rest/changes.ts";
import { action, type FleetCommand, one } from "../action.ts";
import { printable } from "../printable.ts";

const NOTHING = ["nothing has changed"];

export const command: FleetCommand = {
  name: "reload",
  summary: "Read the configuration files again and apply what is different",
  actions: [
    action(
      {
        words: "reload",
        summary: "Read the configuration files again and apply what is different",
        details: [
          "Each difference is a line. Files with a mistake change nothing: every mistake is told with its place.",
        ],
        operands: [],
        options: {},
        examples: [["sluice reload", "the same as SIGHUP to the daemon"]],
      },
      async (_, { daemons, output }) => {
        const outcomes = await daemons.everywhere(reloadConfiguration);
        const document = outcomes.map(({ daemon, value }) => ({ daemon, changes: value }));
        const lines = outcomes.flatMap(({ daemon, value }) => [
          ...(outcomes.length > 1 ? [daemon] : []),
          ...(value.length === 0 ? NOTHING : value).map(printable),
        ]);
        output.document(document, () => `${lines.join("\n")}\n`);
      },
    ),
    action(
      {
        words: "reload service",
        summary: "Fetch the accounts of a service's clients anew",
        operands: [one("SERVICE", "services")],
        options: {},
        examples: [["sluice reload service rw", "after CREATE USER, where no login has failed yet"]],
      },
      async ({ operands: [service = ""] }, { daemons, output }) => {
        output.done(await daemons.everywhere((daemon) => reloadAccounts(daemon, service)));
      },
    ),
    action(
      {
        words: "reload tls",
        summary: "Read key and certificates of the REST API again; every token ends",
        operands: [],
        options: {},
        examples: [["sluice reload tls", "after a certificate was renewed"]],
      },
      async (_, { daemons, output }) => {
        output.done(await daemons.everywhere(reloadTls));
      },
    ),
  ],
};
