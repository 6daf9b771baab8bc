import Table from "cli-table3";
import { wholeSpan } from "../../verdict/whole-span.ts";
import { cellText } from "./printable.ts";
import type { EventStatus, MonitorStatus, ServerStatus, StatusDocument } from "./status-document.ts";

const HEAD = ["Server", "Address", "State", "Lag", "Connections", "Last event", "Reason"];

/**
 * The whole fleet as lines: each monitor with what it finds and a table of its servers, then what serves and tells, then
 * what happened last. `colour` marks the states.
 */
export function statusScreen(status: StatusDocument, daemon: string, colour: boolean): readonly string[] {
  const watched = new Set(status.monitors.flatMap(({ servers }) => servers));
  const unwatched = status.servers.filter(({ name }) => !watched.has(name));
  return [
    headline(status, daemon),
    ...status.monitors.flatMap((monitor) => [
      "",
      monitorLine(monitor),
      ...serverTable(status, monitor, colour),
    ]),
    ...(unwatched.length === 0 ? [] : ["", "Watched by no monitor", ...tableOf(unwatched, colour)]),
    ...section(
      "Services",
      status.services.map(({ name, router, state, connections }) => [
        name,
        router,
        state,
        `${connections} connections`,
      ]),
    ),
    ...section(
      "Publishers",
      status.publishers.map(({ name, module, state, tells }) => [name, module, state, tells]),
    ),
    ...section("Last events", status.events.map(eventCells)),
  ];
}

function headline({ version, uptime_seconds: uptime, passive }: StatusDocument, daemon: string): string {
  const facts = [
    `Sluice ${cellText(version)} on ${daemon}`,
    ...(uptime === null ? [] : [`up ${wholeSpan(uptime)}`]),
    ...(passive ? ["passive: it changes nothing in the cluster"] : []),
  ];
  return facts.join(", ");
}

function monitorLine({ name, module, state, diagnosis }: MonitorStatus): string {
  const said = diagnosis === null ? "" : `: ${cellText(diagnosis)}`;
  return `${cellText(name)} (${cellText(module)}, ${cellText(state)})${said}`;
}

function serverTable(status: StatusDocument, monitor: MonitorStatus, colour: boolean): readonly string[] {
  const servers = monitor.servers.flatMap(
    (name) => status.servers.find((server) => server.name === name) ?? [],
  );
  return servers.length === 0 ? ["  it watches no server"] : tableOf(servers, colour);
}

/** Compact: without lines between the rows a fleet of dozens fits on a screen. */
function tableOf(servers: readonly ServerStatus[], colour: boolean): readonly string[] {
  const style = { head: colour ? ["cyan"] : [], border: colour ? ["grey"] : [], compact: true };
  const table = new Table({ head: HEAD, style });
  table.push(
    ...servers.map(({ name, address, state, lag_seconds, connections, last_event, reason, up }) => [
      cellText(name),
      cellText(address),
      marked(cellText(state), up, colour),
      lag_seconds === null ? "" : `${lag_seconds} s`,
      String(connections),
      cellText(last_event),
      cellText(reason),
    ]),
  );
  return table.toString().split("\n");
}

function marked(state: string, up: boolean | null, colour: boolean): string {
  if (!colour) return state;
  const isByPerson = /Maintenance|Drain/.test(state);
  const code = isByPerson ? 33 : up === true ? 32 : 31;
  return `\u001b[${code}m${state}\u001b[39m`;
}

function section(title: string, rows: readonly (readonly (string | null)[])[]): readonly string[] {
  if (rows.length === 0) return [];
  const texts = rows.map((row) => row.map(cellText));
  const widths = (texts[0] ?? []).map((_, column) =>
    Math.max(...texts.map((row) => row[column]?.length ?? 0)),
  );
  const lines = texts.map((row) =>
    `  ${row.map((cell, i) => cell.padEnd(widths[i] ?? 0)).join("  ")}`.trimEnd(),
  );
  return ["", title, ...lines];
}

function eventCells({ time, server, event, from, to, reason }: EventStatus): readonly (string | null)[] {
  return [time, server, event, `${from} -> ${to}`, reason];
}

/** Of seconds: `42 s`, `5 min`, `3 h`, `2 days`. */
