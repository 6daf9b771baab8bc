import { oneOf } from "../../config/values/choice.ts";
import { text } from "../../config/values/text.ts";
import { errorMessage, SluiceError } from "../../errors/sluice-error.ts";
import { healthResponse } from "../../publish/http/bodies.ts";
import { statusDocument } from "../../publish/http/status-document.ts";
import {
  type EndpointAnswer,
  type HealthEndpoint,
  judgeEndpoint,
  parseEndpoint,
} from "../../verdict/endpoint.ts";
import { askAsGiven, askOptions } from "../ask-options.ts";
import type { Asked } from "../ask-verdict.ts";
import { type Command, type CommandSpec, type OptionValues, option, toggle } from "../command.ts";
import { NAGIOS_UNKNOWN, nagiosLine, nagiosStatus } from "../nagios.ts";
import { print } from "../output.ts";
import { parseArguments, quote } from "../parse-arguments.ts";

const DEFAULT_TIMEOUT_MS = 900;

const options = {
  endpoint: option(
    "path",
    text("a path"),
    "what is asked: / (default), /primary, /replica?lag=5s, /read-write, /read-only, /synced or /donor",
  ),
  format: option(
    "text|http|json|nagios",
    oneOf(["text", "http", "json", "nagios"]),
    "how it is told (default: text)",
  ),
  "exit-code": toggle("print nothing: the exit code tells"),
  ...askOptions("900ms"),
} as const;

const spec: CommandSpec<typeof options> = {
  name: "check",
  summary: "Tell once whether the server may take traffic",
  details: [
    "Asks the agent on this host first, which knows without asking the server; and the server itself where no agent runs, where its verdict is stale, or where it watches another server than the one named by --host, --port, --socket or an option file.",
    "The answer, or the fact that there is none, is there within --timeout, whatever hangs.",
  ],
  operands: "",
  maxOperands: 0,
  options,
  examples: [
    ["sluice check", "the local server, by the agent or as the mysql client would find it"],
    [
      "sluice check --endpoint /primary --exit-code",
      "for a script of keepalived: does this server take writes?",
    ],
    ["sluice check --format nagios --host db2 --timeout 5s", "for a monitoring system, of another host"],
  ],
  exitCodes: [
    [0, "the server may take traffic"],
    [1, "it may not"],
    [2, "the command line or an option file is wrong"],
    [3, "--server was given, and no agent answers"],
    [4, "--server was given, and the agent's socket may not be used"],
    [0, "with --format nagios: OK; 1 warning (taken out by a person), 2 critical (down), 3 unknown"],
  ],
};

type CheckValues = OptionValues<typeof options>;

export const command: Command = {
  spec,
  async run(args) {
    try {
      return await check(parseArguments(spec, args).values);
    } catch (error) {
      const isNagios = args.some((arg) => /^(--format=)?nagios$/.test(arg));
      if (!isNagios || !(error instanceof SluiceError)) throw error;
      print(`SLUICE UNKNOWN - ${errorMessage(error)}\n`);
      return NAGIOS_UNKNOWN;
    }
  },
};

async function check(values: CheckValues): Promise<number> {
  const endpoint = endpointOf(values.endpoint ?? "/");
  const asked = await askAsGiven(values, DEFAULT_TIMEOUT_MS);
  const answer = judgeEndpoint(endpoint, asked.snapshot.verdict, Date.now());
  const isNagios = values.format === "nagios";
  if (!values["exit-code"]) print(render(values.format ?? "text", asked, answer));
  if (isNagios) return nagiosStatus(answer, asked.snapshot.verdict);
  return answer.up ? 0 : 1;
}

function endpointOf(target: string): HealthEndpoint {
  const [path = "", query = ""] = (target.startsWith("/") ? target : `/${target}`).split("?", 2);
  const parsed = parseEndpoint(path, query);
  if (!parsed.ok) throw new SluiceError("USAGE", `--endpoint: ${parsed.sentence.replace(/\.$/, "")}`);
  // Over HTTP any unknown path is the overall verdict, as balancers need it; here it is a slip of the keyboard.
  if (parsed.endpoint.kind !== "overall" || path === "/") return parsed.endpoint;
  throw new SluiceError(
    "USAGE",
    `--endpoint ${quote(target)} is unknown; expected /, /primary, /replica, /read-write, /read-only, /synced or /donor`,
  );
}

function render(
  format: "text" | "http" | "json" | "nagios",
  { snapshot, source }: Asked,
  answer: EndpointAnswer,
): string {
  const { up, draining, code, sentence } = answer;
  switch (format) {
    case "text":
      return `${up ? "up" : draining ? "draining" : "down"} ${code}: ${sentence}\n`;
    case "http":
      return healthResponse("sluice", answer, 503).bytes(false, false).toString();
    case "json": {
      const document = statusDocument(snapshot, Date.now());
      return `${JSON.stringify({ ...document, up, draining, code, sentence, source })}\n`;
    }
    case "nagios":
      return nagiosLine(answer, snapshot.verdict, Date.now());
  }
}
