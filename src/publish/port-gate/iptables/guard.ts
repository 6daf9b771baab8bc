/**
 * The guard of an iptables gate: a process of its own that outlives the agent, because the kernel does not close such a
 * gate by itself. It alone changes the rules, so there is one order of things.
 *
 *   agent ─ open, renew … ─▶ Guard ─▶ iptables, ip6tables
 *                              └─ nobody renewed in time, whether the agent is dead or hangs ─▶ closes
 */
import { errorMessage, SluiceError } from "../../../errors/sluice-error.ts";
import { Turns } from "../../../system/turns.ts";
import type { Clock } from "../../../telemetry/clock.ts";
import type { Firewall } from "../firewall.ts";
import type { GatePlan } from "../gate-plan.ts";
import type { GuardAnswer, GuardRequest } from "./guard-protocol.ts";

export interface GuardedRules extends Firewall {
  /** Takes away what this owner has opened, and nothing that a successor has. */
  withdraw(): Promise<void>;
}

export interface GuardParts {
  createRules(plan: GatePlan): GuardedRules;
  readonly clock: Clock;
  /** The guard has nothing more to do. */
  onEnd(): void;
}

export class Guard {
  readonly #parts: GuardParts;
  #rules: GuardedRules | undefined;
  #isOpen = false;
  #isAgentGone = false;
  #mustEndSoon = false;
  #cancelLease: () => void = () => {};
  readonly #turns = new Turns();

  constructor(parts: GuardParts) {
    this.#parts = parts;
  }

  /** One request after the other. Never rejects. */
  answer(request: GuardRequest): Promise<GuardAnswer> {
    return this.#turns.run(async () => {
      try {
        return { ok: true, isSo: await this.#do(request) } as const;
      } catch (error) {
        const code = error instanceof SluiceError ? error.code : "INTERNAL";
        return { ok: false, code, message: errorMessage(error) } as const;
      }
    });
  }

  /** The agent will say no more. What is open stays so until its time is over: the next agent may take it over. */
  agentGone(): void {
    this.#isAgentGone = true;
    void this.#turns.run(async () => await this.#endIfDone());
  }

  /** Somebody ends us. While the agent is there it decides; without it the gate is closed at once. */
  terminate(): void {
    this.#mustEndSoon = true;
    void this.#turns.run(async () => await this.#endIfDone());
  }

  async #do(request: GuardRequest): Promise<boolean> {
    if (request.say === "prepare") {
      this.#rules = this.#parts.createRules(request.plan);
      const isOpen = await this.#rules.prepare();
      if (isOpen) this.#lease(request.ttlMs);
      return isOpen;
    }
    const rules = this.#rules;
    if (rules === undefined) throw new SluiceError("INTERNAL", `the guard got ${request.say} before prepare`);
    switch (request.say) {
      case "open":
        this.#lease(request.ttlMs);
        await rules.open(request.ttlMs);
        return false;
      case "renew":
        this.#lease(request.ttlMs);
        return await rules.renew(request.ttlMs);
      case "close":
        await rules.close();
        this.#release();
        return false;
      case "renewClosed":
        return await rules.renew(undefined);
      case "remove":
        await rules.remove();
        this.#release();
        return false;
    }
  }

  #lease(ttlMs: number): void {
    this.#cancelLease();
    this.#isOpen = true;
    this.#cancelLease = this.#parts.clock.after(ttlMs, () => void this.#turns.run(() => this.#expire()));
  }

  #release(): void {
    this.#cancelLease();
    this.#isOpen = false;
  }

  /** Closes what is ours. While the agent lives it opens again as soon as it speaks. */
  async #expire(): Promise<void> {
    await this.#rules?.withdraw().catch(() => {});
    this.#release();
    await this.#endIfDone();
  }

  async #endIfDone(): Promise<void> {
    if (!this.#isAgentGone) return;
    if (this.#isOpen && this.#mustEndSoon) {
      await this.#rules?.withdraw().catch(() => {});
      this.#release();
    }
    if (!this.#isOpen) this.#parts.onEnd();
  }
}
