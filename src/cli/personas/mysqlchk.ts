import type { ServerSnapshot } from "../../topology/fleet.ts";
import type { Verdict } from "../../topology/verdict.ts";
import type { Policy } from "../../verdict/policy.ts";
import type { CommandSpec } from "../command.ts";
import { rejudge } from "../rejudge.ts";
import { personaCommand, personaPolicy } from "./persona.ts";
import { PERSONA_EXIT_CODES, PERSONA_OPTIONS } from "./settings.ts";

const spec: CommandSpec<typeof PERSONA_OPTIONS> = {
  name: "mysqlchk",
  summary: "Answer as the mysqlchk script does: does this server answer a query?",
  details: [
    "Reads the variables MYSQL_HOST, MYSQL_PORT, MYSQL_SOCKET, MYSQL_USERNAME, MYSQL_PASSWORD, DEFAULTS_EXTRA_FILE, ERR_FILE, FORCE_FAIL and TIMEOUT (seconds) from /etc/sysconfig/mysqlchk (or /etc/default/mysqlchk) and from the environment, in this order. User and password are mysqlchkusr and secret by default; an empty one is left to the option files.",
    "A running agent that watches this server is asked first, else the server itself is, with SHOW DATABASES. /dev/shm/proxyoff forces 503.",
  ],
  operands: "",
  maxOperands: 0,
  options: PERSONA_OPTIONS,
  examples: [
    [
      "mysqlchk --defaults-extra-file /etc/mysqlchk.cnf",
      "by hand; under xinetd it takes the client's request",
    ],
  ],
  exitCodes: PERSONA_EXIT_CODES,
};

export const command = personaCommand({
  spec,
  defaults: {
    name: "mysqlchk",
    user: "mysqlchkusr",
    password: "secret",
    host: undefined,
    disableFile: "/dev/shm/proxyoff",
    defaultsExtraFile: undefined,
  },
  checkQuery: "SHOW DATABASES",
  policy: (settings) => personaPolicy({ profile: "standalone" }, settings),
  rejudge: judgeSeen,
});

/** A Galera node that is not ready answers what the agent asks, and fails other queries: there only the script's own tells. */
function judgeSeen(seen: ServerSnapshot, policy: Policy): Verdict | undefined {
  const { observation } = seen.verdict;
  const galera = observation?.reached === true ? observation.facts.galera : undefined;
  const mayRefuse =
    galera?.wsrepOn === true && (!galera.ready || galera.rejectQueries.toUpperCase() !== "NONE");
  return mayRefuse ? undefined : rejudge(seen, policy);
}
