import { hostname } from "node:os";
import type { CommandSpec } from "../command.ts";
import { rejudge } from "../rejudge.ts";
import { personaCommand, personaPolicy } from "./persona.ts";
import { PERSONA_EXIT_CODES, PERSONA_OPTIONS } from "./settings.ts";

const spec: CommandSpec<typeof PERSONA_OPTIONS> = {
  name: "connectorchk",
  summary:
    "Answer as the connectorchk script does: does this Tungsten Connector or proxy pass a query through?",
  details: [
    "Reads the variables MYSQL_HOST, MYSQL_PORT, MYSQL_SOCKET, MYSQL_USERNAME, MYSQL_PASSWORD, DEFAULTS_EXTRA_FILE, ERR_FILE, FORCE_FAIL and TIMEOUT (seconds) from /etc/sysconfig/connectorchk (or /etc/default/connectorchk) and from the environment, in this order. By default they are this host's name, 3306, no socket, haproxy and secret; an empty user or password is left to the option files.",
    "A running agent that watches this connector (profile connector) is asked first, else the connector itself is, with SELECT @@hostname. The reason of a failure follows in the body. /dev/shm/proxyoff forces 503.",
  ],
  operands: "",
  maxOperands: 0,
  options: PERSONA_OPTIONS,
  examples: [
    ["connectorchk --port 13306", "a connector on another port; under xinetd it takes the client's request"],
  ],
  exitCodes: PERSONA_EXIT_CODES,
};

export const command = personaCommand({
  spec,
  defaults: {
    name: "connectorchk",
    user: "haproxy",
    password: "secret",
    host: hostname(),
    disableFile: "/dev/shm/proxyoff",
    defaultsExtraFile: undefined,
  },
  checkQuery: undefined,
  policy: (settings) => personaPolicy({ profile: "connector" }, settings),
  rejudge,
});
