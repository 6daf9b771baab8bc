import { fetchCollection } from "../../client/rest/collections.ts";
import { duration } from "../../config/values/duration.ts";
import { errorMessage, SluiceError } from "../../errors/sluice-error.ts";
import { type Command, type CommandSpec, option, toggle } from "../command.ts";
import { print, printError } from "../output.ts";
import { parseArguments } from "../parse-arguments.ts";
import { missingServers, parseExpectation } from "./expected-servers.ts";
import { openRest, REST_OPTIONS } from "./rest-options.ts";

const DEFAULT_TIMEOUT_MS = 900;
const FAILED = 3;

const options = {
  ...REST_OPTIONS,
  timeout: option(
    "duration",
    duration({ bare: "s", minMs: 50, maxMs: 60_000 }),
    "for everything together (default: 900ms); shorter than keepalived's interval",
  ),
  quiet: toggle("print nothing: the exit code tells"),
} as const;

const spec: CommandSpec<typeof options> = {
  name: "maxping",
  summary: "Answer as the maxping.sh script does: does the proxy list all its servers?",
  details: [
    "For keepalived's vrrp_script. Asks the REST API of a Sluice or MaxScale, of several the first that answers, for its servers; every SERVER must be among them, and, where a state follows, in it. STATE is a word of `sluice list servers`, several with + between: db1=Master+Running.",
    "The answer is there within --timeout, whatever hangs. No file is written and no process is started.",
  ],
  operands: "[SERVER[=STATE]...]",
  maxOperands: Number.POSITIVE_INFINITY,
  options,
  examples: [
    ["maxping box03 box04 box05", "is the proxy alive, and does it know its servers?"],
    [
      "maxping --hosts 127.0.0.1:8989 --user keepalived --password-file /etc/keepalived/maxping.password box03=Running",
      "with an account, and the state",
    ],
  ],
  exitCodes: [
    [0, "all of them are listed, in the states asked for"],
    [2, "the command line is wrong"],
    [3, "one is not, or nobody answers in time"],
  ],
};

export const command: Command = {
  spec,
  async run(args) {
    const { values, operands } = parseArguments(spec, args);
    const expected = operands.map(parseExpectation);
    const timeoutMs = values.timeout ?? DEFAULT_TIMEOUT_MS;
    const say = (write: (text: string) => void, sentence: string): void => {
      if (!values.quiet) write(`${sentence}\n`);
    };
    // Over all requests, names that do not resolve, and whatever else might hang.
    const { promise: late, resolve } = Promise.withResolvers<number>();
    const watchdog = setTimeout(() => {
      say(printError, `maxping: no answer within ${timeoutMs} ms`);
      resolve(FAILED);
    }, timeoutMs);
    const ask = async (): Promise<number> => {
      const daemons = openRest(values, timeoutMs);
      const { value: servers } = await daemons.first((daemon) => fetchCollection(daemon, "servers"));
      const wrong = missingServers(expected, servers);
      if (wrong.length > 0) {
        say(printError, `maxping: ${wrong.join("; ")}`);
        return FAILED;
      }
      say(print, `All is fine: ${servers.map(({ id }) => id).join(", ")}`);
      return 0;
    };
    try {
      return await Promise.race([ask(), late]);
    } catch (error) {
      if (!(error instanceof SluiceError) || error.entry.exit === 2) throw error;
      say(printError, `maxping: ${errorMessage(error)}`);
      return FAILED;
    } finally {
      clearTimeout(watchdog);
    }
  },
};
