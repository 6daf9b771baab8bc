/**
 * The texts a health check answers with: Sluice's own, and those of the scripts it replaces, byte for byte. The one-shot
 * commands that stand in for these scripts print the same.
 */
import type { EndpointAnswer } from "../../verdict/endpoint.ts";
import { safeLine } from "../safe-line.ts";
import { HttpResponse } from "./http-response.ts";

export type BodyFlavour = "sluice" | "clustercheck" | "mysqlchk" | "connectorchk";

/** What a server that drains answers; HAProxy's `http-check disable-on-404` takes 404 as "no new sessions". */
export type DrainStatus = 404 | 503;

/** HAProxy shows the reason phrase of a failed check in its statistics and keeps some hundred characters of it. */
const MAX_REASON_LENGTH = 120;

/** A server's answer as HTTP. */
export function healthResponse(
  flavour: BodyFlavour,
  answer: EndpointAnswer,
  drainStatus: DrainStatus,
): HttpResponse {
  const status = answer.up ? 200 : answer.draining ? drainStatus : 503;
  if (flavour !== "sluice") {
    return new HttpResponse({ status, contentType: "text/plain", body: healthBody(flavour, answer) });
  }
  return new HttpResponse({
    status,
    ...(answer.up ? {} : { reason: safeLine(`${answer.code}: ${answer.sentence}`, MAX_REASON_LENGTH) }),
    contentType: "text/plain; charset=utf-8",
    headers: ["Cache-Control: no-store"],
    body: healthBody(flavour, answer),
  });
}

/** The body alone, with its line ends. */
function healthBody(flavour: BodyFlavour, answer: EndpointAnswer): string {
  switch (flavour) {
    case "sluice":
      return `${answer.code}: ${answer.sentence}\n`;
    case "clustercheck":
      return `Percona XtraDB Cluster Node is ${clustercheckState(answer)}.\r\n`;
    case "mysqlchk":
      return mysqlchkLine(answer);
    case "connectorchk":
      return answer.up ? mysqlchkLine(answer) : `${mysqlchkLine(answer)}${answer.sentence}\r\n`;
  }
}

function clustercheckState(answer: EndpointAnswer): string {
  if (answer.up) return "synced";
  switch (answer.code) {
    case "GALERA_READ_ONLY":
    case "READ_ONLY":
      return "read-only";
    case "OFF_SWITCH":
    case "MAINTENANCE":
    case "DRAINING":
      return "manually disabled";
    default:
      return "not synced";
  }
}

const mysqlchkLine = (answer: EndpointAnswer): string => `MySQL is ${answer.up ? "running" : "*down*"}.\r\n`;
