import {
  alterAccount,
  alterDaemon,
  alterObject,
  type ObjectCollection,
} from "../../../client/rest/changes.ts";
import type { ObjectKind } from "../../../config/schema/schemas.ts";
import { SluiceError } from "../../../errors/sluice-error.ts";
import { type Action, action, type FleetCommand, one } from "../action.ts";
import { NEW_PASSWORD_FILE, newPassword } from "../new-password.ts";
import { objectParameters } from "../object-parameters.ts";

const DETAILS = [
  "KEY=VALUE and KEY VALUE are possible, several at a time; all are changed, or none. KEY= puts a parameter back to its default.",
];

const USER = action(
  {
    words: "alter user",
    summary: "Give an account a new password",
    details: ["It is asked for, twice. Whoever uses the old one is logged out."],
    operands: [one("NAME", "users")],
    options: NEW_PASSWORD_FILE,
    examples: [["sluice alter user admin", "asks for the new password"]],
  },
  async ({ values, operands: [name = ""] }, fleet) => {
    const password = await newPassword(values, name, fleet);
    fleet.output.done(await fleet.daemons.everywhere((daemon) => alterAccount(daemon, name, password)));
  },
);

const MAXSCALE = action(
  {
    words: "alter maxscale",
    summary: "Change parameters of the daemon",
    details: DETAILS,
    operands: [],
    options: {},
    parameters: "sluice",
    examples: [["sluice alter maxscale passive true", "watch and serve, and change nothing in the cluster"]],
  },
  async ({ parameters }, fleet) => {
    const given = await objectParameters("sluice", atLeastOne(parameters), true, fleet);
    fleet.output.done(await fleet.daemons.everywhere((daemon) => alterDaemon(daemon, given.parameters)));
  },
);

export const command: FleetCommand = {
  name: "alter",
  summary: "Change parameters of a server, a monitor, a service … or the daemon",
  actions: [
    alterAction("servers", "server", "port=3307 extra_port=3308"),
    alterAction("monitors", "monitor", "monitor_interval 500ms"),
    alterAction("services", "service", "max_connections=500"),
    alterAction("listeners", "listener", "ssl=true ssl_key=/etc/k.pem ssl_cert=/etc/c.pem"),
    alterAction("publishers", "publisher", "port=9201"),
    MAXSCALE,
    USER,
  ],
};

function alterAction(collection: ObjectCollection, kind: ObjectKind, example: string): Action {
  return action(
    {
      words: `alter ${kind}`,
      summary: `Change parameters of a ${kind}`,
      details: DETAILS,
      operands: [one(kind.toUpperCase(), collection)],
      options: {},
      parameters: kind,
      examples: [[`sluice alter ${kind} NAME ${example}`, "at once"]],
    },
    async ({ operands: [name = ""], parameters }, fleet) => {
      const { parameters: texts, links } = await objectParameters(kind, atLeastOne(parameters), true, fleet);
      fleet.output.done(
        await fleet.daemons.everywhere((daemon) => alterObject(daemon, collection, name, texts, links)),
      );
    },
  );
}

function atLeastOne(words: readonly string[]): readonly string[] {
  if (words.length > 0) return words;
  throw new SluiceError("USAGE", "what is to change is missing: give KEY=VALUE; --help lists the parameters");
}
