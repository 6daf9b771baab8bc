import type { NodeRole } from "../topology/verdict.ts";
import { down, type Rule, up } from "./rule.ts";

/** offline_mode turns ordinary clients away, whatever else is well. */
export function offlineRule(role: NodeRole): Rule {
  return {
    name: "offline mode",
    look: ({ readOnly }) => ({
      saw: `offline_mode = ${readOnly.offlineMode ? "ON" : "OFF"}`,
      ...(readOnly.offlineMode && {
        decision: down(role, "OFFLINE_MODE", "offline_mode is ON: clients are turned away"),
      }),
    }),
  };
}

const rowsRule = (role: NodeRole): Rule => ({
  name: "query answers",
  look: ({ rows }) => ({
    saw: `the check query brought ${rows} row${rows === 1 ? "" : "s"}`,
    ...(rows === 0 && { decision: down(role, "NO_ROWS", "the check query brought no row") }),
  }),
});

/** A server on its own: a login, and a query with at least one row. */
export const STANDALONE_RULES: readonly Rule[] = [
  rowsRule("standalone"),
  offlineRule("standalone"),
  {
    name: "verdict",
    look: ({ channels }) => ({
      saw:
        channels === "denied"
          ? "the account may not ask for replication: not checked"
          : "nothing speaks against it",
      decision: up("standalone", "STANDALONE_HEALTHY", "the server answers queries"),
    }),
  },
];

/** A Tungsten Connector or any proxy port: the same, through it. */
export const CONNECTOR_RULES: readonly Rule[] = [
  rowsRule("connector"),
  {
    name: "verdict",
    look: ({ hostname }) => ({
      saw: `@@hostname = ${hostname ?? "unknown"}`,
      decision: up(
        "connector",
        "CONNECTOR_HEALTHY",
        `the connector passes queries through${hostname === undefined ? "" : ` to ${hostname}`}`,
      ),
    }),
  },
];
