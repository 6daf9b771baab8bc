import type { CommandSpec } from "../command.ts";
import { rejudge } from "../rejudge.ts";
import { personaCommand, personaPolicy } from "./persona.ts";
import { PERSONA_EXIT_CODES, PERSONA_OPTIONS } from "./settings.ts";

const spec: CommandSpec<typeof PERSONA_OPTIONS> = {
  name: "clustercheck",
  summary: "Answer as Percona's clustercheck script does: is this Galera node synced?",
  details: [
    "Reads the variables MYSQL_USERNAME, MYSQL_PASSWORD, AVAILABLE_WHEN_DONOR, ERR_FILE, AVAILABLE_WHEN_READONLY and DEFAULTS_EXTRA_FILE from the operands, /etc/sysconfig/clustercheck (or /etc/default/clustercheck), and the environment, in this order; their defaults are clustercheckuser, clustercheckpassword!, 0, /dev/null, 1 and /etc/my.cnf. An empty user or password is left to the option files. MYSQL_HOST, MYSQL_PORT, MYSQL_SOCKET and TIMEOUT (seconds) are read besides.",
    "A running agent that watches this server is asked first, and what it has seen is judged by the variables; else the server itself is. /var/tmp/clustercheck.disabled forces 503.",
    "A password among the operands is overwritten in the process list as soon as the program runs. It stays visible in the file that starts it: better write it to /etc/sysconfig/clustercheck, mode 0640.",
  ],
  operands:
    "[user [password [available_when_donor [log_file [available_when_readonly [defaults_extra_file]]]]]]",
  maxOperands: 6,
  options: PERSONA_OPTIONS,
  examples: [
    ["clustercheck", "with the variables of /etc/sysconfig/clustercheck"],
    [
      "sluice clustercheck monitor '' 1 /var/log/clustercheck.log 0 /etc/monitor.cnf",
      "the password from /etc/monitor.cnf; a donor may serve, a read-only node may not",
    ],
  ],
  exitCodes: PERSONA_EXIT_CODES,
};

export const command = personaCommand({
  spec,
  defaults: {
    name: "clustercheck",
    user: "clustercheckuser",
    password: "clustercheckpassword!",
    host: undefined,
    disableFile: "/var/tmp/clustercheck.disabled",
    defaultsExtraFile: "/etc/my.cnf",
  },
  checkQuery: undefined,
  policy: (settings) => {
    const { availableWhenDonor, availableWhenReadonly } = settings;
    return personaPolicy({ profile: "galera", availableWhenDonor, availableWhenReadonly }, settings);
  },
  rejudge,
});
