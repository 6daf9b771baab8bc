import { type ChildProcess, spawn } from "node:child_process";
import { SluiceError } from "../../../errors/sluice-error.ts";
import type { Firewall } from "../firewall.ts";
import type { GatePlan } from "../gate-plan.ts";
import type { GuardAnswer, GuardRequest } from "./guard-protocol.ts";

/** iptables waits two seconds for its lock, and there are several calls. */
const ANSWER_MS = 10_000;

/** The agent's end of a gate in iptables: everything is done by the guard, which is started anew should it end. */
export class GuardedFirewall implements Firewall {
  readonly name = "iptables";
  readonly #plan: GatePlan;
  readonly #ttlMs: number;
  readonly #command: readonly string[];
  #guard: GuardLine | undefined;

  /** @param command starts a guard; @param ttlMs how long an opening that was found may stay without a word from us */
  constructor(plan: GatePlan, ttlMs: number, command: readonly string[]) {
    this.#plan = plan;
    this.#ttlMs = ttlMs;
    this.#command = command;
  }

  async prepare(): Promise<boolean> {
    this.#guard?.end();
    this.#guard = new GuardLine(this.#command);
    return await this.#guard.ask({ say: "prepare", plan: this.#plan, ttlMs: this.#ttlMs });
  }

  async open(ttlMs: number): Promise<void> {
    await this.#ask({ say: "open", ttlMs });
  }

  async close(): Promise<void> {
    await this.#ask({ say: "close" });
  }

  async renew(ttlMs: number | undefined): Promise<boolean> {
    if (this.#guard?.isAlive !== true) {
      await this.prepare();
      if (ttlMs === undefined) await this.close();
      else await this.open(ttlMs);
      return true;
    }
    return await this.#ask(ttlMs === undefined ? { say: "renewClosed" } : { say: "renew", ttlMs });
  }

  async remove(): Promise<void> {
    await this.#ask({ say: "remove" });
    this.#guard?.end();
  }

  async leave(): Promise<void> {
    this.#guard?.end();
  }

  async #ask(request: GuardRequest): Promise<boolean> {
    if (this.#guard?.isAlive !== true) await this.prepare();
    return (await this.#guard?.ask(request)) ?? false;
  }
}

interface Waiting {
  resolve(answer: GuardAnswer): void;
  readonly timer: ReturnType<typeof setTimeout>;
}

/** The line to one guard process. */
class GuardLine {
  readonly #child: ChildProcess;
  readonly #waiting: Waiting[] = [];
  #isAlive = true;
  #text = "";

  constructor(command: readonly string[]) {
    const [program = "", ...args] = command;
    // A session of its own: what ends the agent's process group does not end the guard.
    const child = spawn(program, args, { detached: true, stdio: ["pipe", "pipe", "ignore"] });
    this.#child = child;
    child.stdout?.setEncoding("utf8");
    child.stdout?.on("data", (chunk: string) => this.#heard(chunk));
    child.stdin?.on("error", () => this.#lost());
    child.once("error", () => this.#lost());
    child.once("exit", () => this.#lost());
  }

  get isAlive(): boolean {
    return this.#isAlive;
  }

  /** Throws what the guard met; FIREWALL_FAILED where it has ended or does not answer. */
  async ask(request: GuardRequest): Promise<boolean> {
    const answer = await new Promise<GuardAnswer>((resolve) => {
      const timer = setTimeout(() => {
        this.#child.kill("SIGKILL");
        this.#lost();
      }, ANSWER_MS);
      this.#waiting.push({ resolve, timer });
      if (this.#isAlive) this.#child.stdin?.write(`${JSON.stringify(request)}\n`);
      else this.#lost();
    });
    if (answer.ok) return answer.isSo;
    throw new SluiceError(answer.code, answer.message);
  }

  /** It goes on alone, and ends once its gate is closed. */
  end(): void {
    this.#child.stdin?.end();
    this.#child.unref();
  }

  #heard(chunk: string): void {
    const lines = (this.#text + chunk).split("\n");
    this.#text = lines.pop() ?? "";
    for (const line of lines) this.#settle(JSON.parse(line) as GuardAnswer);
  }

  #lost(): void {
    this.#isAlive = false;
    while (this.#waiting.length > 0) {
      this.#settle({ ok: false, code: "FIREWALL_FAILED", message: "the guard of the gate has ended" });
    }
  }

  #settle(answer: GuardAnswer): void {
    const waiting = this.#waiting.shift();
    if (waiting === undefined) return;
    clearTimeout(waiting.timer);
    waiting.resolve(answer);
  }
}
