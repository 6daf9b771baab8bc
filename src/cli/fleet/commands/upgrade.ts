import { upgradeDaemon } from "../../../client/rest/upgrade.ts";
import { action, type FleetCommand } from "../action.ts";
import { printable } from "../printable.ts";

/** A daemon takes 20 s at the most until it goes back, and some to rehearse. */
const DEADLINE_MS = 45_000;
/** For the rehearsal, which is one request. */
const REQUEST_MS = 15_000;

export const command: FleetCommand = {
  name: "upgrade",
  summary: "Go on as the executable that is installed now, without refusing or ending a connection",
  actions: [
    action(
      {
        words: "upgrade",
        summary: "Go on as the executable that is installed now, without refusing or ending a connection",
        details: [
          "The new executable looks through the configuration first; what it refuses changes nothing. Then the daemon goes on as it, under the same process number, on the same sockets.",
          "Sessions stay on the worker processes they have until they end, or for upgrade_timeout. A new program that is not ready within 20 s gives the place back.",
        ],
        operands: [],
        options: {},
        examples: [
          ["install sluice.new /usr/bin/sluice && sluice upgrade", "what a package does"],
          ["kill -USR2 $(pidof -s sluice)", "the same by a signal; the outcome is in the log"],
        ],
      },
      async (_, { daemons, output, clock }) => {
        const outcomes = await daemons.everywhere((daemon) =>
          upgradeDaemon(daemon.within(REQUEST_MS), clock, DEADLINE_MS),
        );
        const document = outcomes.map(({ daemon, value: { from, to } }) => ({ daemon, from, to }));
        const lines = document.map(({ daemon, from, to }) =>
          printable(`${daemon}: upgraded from ${from} to ${to}`),
        );
        output.document(document, () => `${lines.join("\n")}\n`);
      },
    ),
  ],
};
