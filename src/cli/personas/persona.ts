/**
 * cli/personas/: the health-check scripts that Sluice replaces, by their names, arguments, variables, bytes and exit codes.
 *
 *   xinetd, systemd ─socket─▶ Conversation ─request─┐
 *   arguments, variables ─▶ settings ─▶ askVerdict ─┴─▶ answer, exit code, ERR_FILE
 */
import { existsSync } from "node:fs";
import { REAL_FILES } from "../../config/file-access.ts";
import { errorMessage, SluiceError } from "../../errors/sluice-error.ts";
import { type BodyFlavour, healthResponse } from "../../publish/http/bodies.ts";
import { eraseArgument } from "../../system/erase-argument.ts";
import { runtimePaths } from "../../system/runtime-paths.ts";
import type { ServerSnapshot } from "../../topology/fleet.ts";
import type { Verdict } from "../../topology/verdict.ts";
import type { EndpointAnswer } from "../../verdict/endpoint.ts";
import { DEFAULT_POLICY, type Policy } from "../../verdict/policy.ts";
import { askVerdict } from "../ask-verdict.ts";
import type { Command, CommandSpec } from "../command.ts";
import { writeAll } from "../output.ts";
import { parseArguments } from "../parse-arguments.ts";
import { Conversation } from "./conversation.ts";
import { appendFailure } from "./error-file.ts";
import {
  type PERSONA_OPTIONS,
  type PersonaDefaults,
  type PersonaSettings,
  personaSettings,
} from "./settings.ts";

export interface Persona {
  readonly spec: CommandSpec<typeof PERSONA_OPTIONS>;
  readonly defaults: PersonaDefaults & { readonly name: BodyFlavour };
  readonly checkQuery: string | undefined;
  policy(settings: PersonaSettings): Policy;
  /** The verdict from what an agent has seen; undefined if only the server itself can tell. */
  rejudge(seen: ServerSnapshot, policy: Policy): Verdict | undefined;
}

export function personaCommand(persona: Persona): Command {
  return { spec: persona.spec, run: (args) => run(persona, args) };
}

export const personaPolicy = (policy: Partial<Policy>, { timeoutMs }: PersonaSettings): Policy => ({
  ...DEFAULT_POLICY,
  ...policy,
  staleAfterMs: timeoutMs,
});

/** Answers whatever happens: a client that asks must not be left with nothing. */
async function run(persona: Persona, args: readonly string[]): Promise<number> {
  const { name } = persona.defaults;
  const conversation = Conversation.open();
  let settings: PersonaSettings | undefined;
  let answer: EndpointAnswer;
  // The client's request is read while the server is asked.
  const method = conversation?.method();
  try {
    const { values, operands } = parseArguments(persona.spec, args, true);
    // The password is the second operand.
    if (operands.length > 1) eraseArgument(operands.length - 1);
    settings = personaSettings(persona.defaults, values, operands, process.env, REAL_FILES);
    const { agentSocket } = runtimePaths(values["runtime-dir"], process.env);
    answer = await judge(persona, settings, values["no-agent"] ? undefined : agentSocket);
  } catch (error) {
    // A person at a terminal is told of a slip of the keyboard as by any other command.
    if (conversation === undefined && settings === undefined) throw error;
    const code = error instanceof SluiceError ? error.code : "INTERNAL";
    answer = { up: false, draining: false, code, sentence: errorMessage(error) };
  }
  if (!answer.up && settings !== undefined) {
    appendFailure(settings.errorFile, `${name}: ${answer.code}: ${answer.sentence}`, new Date());
  }
  const bytes = healthResponse(name, answer, 503).bytes(false, (await method) === "HEAD");
  if (conversation === undefined) writeAll(1, bytes);
  else await conversation.answer(bytes);
  return answer.up ? 0 : 1;
}

async function judge(
  persona: Persona,
  settings: PersonaSettings,
  agentSocket: string | undefined,
): Promise<EndpointAnswer> {
  const { disableFile, password, timeoutMs } = settings;
  if (existsSync(disableFile)) {
    return {
      up: false,
      draining: false,
      code: "OFF_SWITCH",
      sentence: `forced out: ${disableFile} is there`,
    };
  }
  const policy = persona.policy(settings);
  const { snapshot } = await askVerdict({
    agentSocket,
    server: undefined,
    mustMatch: true,
    connection: { ...settings.connection, checkQuery: persona.checkQuery },
    env: password === undefined ? process.env : { ...process.env, SLUICE_PASSWORD: password.reveal() },
    policy,
    rejudge: (seen) => persona.rejudge(seen, policy),
    offSwitchFiles: [],
    deadlineMs: timeoutMs,
  });
  return snapshot.verdict;
}
