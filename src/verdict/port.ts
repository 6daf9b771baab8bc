import type { WatchdogAnswer } from "../topology/facts.ts";
import { type Decision, down, drain, type Rule, up } from "./rule.ts";

function decisionOf({ state }: WatchdogAnswer): Decision {
  switch (state) {
    case "ready":
      return up("unknown", "WATCHDOG_READY", "the watchdog says that it is ready");
    case "avoid":
      return drain("unknown", "WATCHDOG_AVOID", "the watchdog says to send it no new sessions");
    case "not-ready":
      return down("unknown", "WATCHDOG_NOT_READY", "the watchdog says that it is not ready");
    case "gone":
      return down("unknown", "WATCHDOG_GONE", "the watchdog does not find it");
  }
}

/** A server of which only the port was tried, or a watchdog was asked. */
export const PORT_RULES: readonly Rule[] = [
  {
    name: "watchdog",
    look: ({ watchdog }) =>
      watchdog === undefined
        ? { saw: "none is asked: only the port was tried" }
        : { saw: `it says ${watchdog.state}`, decision: decisionOf(watchdog) },
  },
  {
    name: "verdict",
    look: () => ({
      saw: "the connection was accepted",
      decision: up("unknown", "PORT_OPEN", "the port accepts connections"),
    }),
  },
];
