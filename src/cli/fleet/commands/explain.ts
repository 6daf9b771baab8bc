import type { ServerExplanation } from "../../../client/rest/explanation.ts";
import { fetchExplanation } from "../../../client/rest/explanation.ts";
import { explanation } from "../../../verdict/explanation.ts";
import { action, type FleetCommand, one } from "../action.ts";
import { printableLines } from "../printable.ts";
import { eventLine } from "./events.ts";

const EXPLAIN = action(
  {
    words: "explain",
    summary: "Show why a server is in the state it is in: what was seen, and each rule in order",
    operands: [one("SERVER", "servers")],
    options: {},
    examples: [["sluice explain db1 --hosts lb1:8989", "as the daemon on lb1 judges it"]],
  },
  async ({ operands: [name = ""] }, { daemons, output, clock }) => {
    const { value } = await daemons.first((daemon) => fetchExplanation(daemon, name, clock.now()));
    output.document(value.document, () => printableLines(explained(name, value, clock.now())));
  },
);

export const command: FleetCommand = { name: "explain", summary: EXPLAIN.summary, actions: [EXPLAIN] };

function explained(
  name: string,
  { state, details, snapshot, events }: ServerExplanation,
  now: number,
): string {
  const judged = snapshot === undefined ? `${name} is watched by no monitor\n` : explanation(snapshot, now);
  const said = details === undefined ? state : `${state} (${details})`;
  const happened = events.map((event) => `  ${eventLine(event)}`);
  const last = happened.length === 0 ? [] : ["", "Happened lately:", ...happened];
  return `${judged}\n${[`State: ${said}`, ...last].join("\n")}\n`;
}
