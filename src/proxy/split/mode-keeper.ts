import { IGNORE_SPACE, modeOfSqlMode } from "../../sql/lexer-mode.ts";
import { CLIENT, hasFlag } from "../../wire/capability.ts";
import { queryPacket } from "./own-packets.ts";
import { firstRow, Question, type Row } from "./question.ts";
import type { ServerLeg } from "./server-leg.ts";
import type { SessionContext } from "./session-context.ts";
import type { SessionLogin } from "./session-facts.ts";
import { settleMode } from "./settle-command.ts";
import type { SplitHost } from "./split-host.ts";

/** How long it is known which sql_mode the sessions of a server begin with, ms. */
const KNOWN_MS = 30_000;
const QUESTION = queryPacket("SELECT @@sql_mode, @@character_set_client");

/** Keeps the modes by which a session's statements are read (SessionFacts.mode) as the servers have them. */
export class ModeKeeper {
  readonly #host: SplitHost;
  readonly #context: SessionContext;
  readonly #login: SessionLogin;

  constructor(host: SplitHost, context: SessionContext, login: SessionLogin) {
    this.#host = host;
    this.#context = context;
    this.#login = login;
  }

  /** Sessions begin with the sql_mode that their server has for all: one of them asks for it now and then. */
  learn(leg: ServerLeg): void {
    const { server } = leg;
    const now = this.#host.timers.now();
    if (now - server.modeAskedAt < KNOWN_MS) return;
    server.modeAskedAt = now;
    const { facts, history } = this.#context;
    const isUntouched = history.length === 0 && !facts.isModeUnknown;
    const told = (row: Row | undefined): void => {
      const mode = row?.[0];
      if (mode === undefined || mode === null) {
        server.modeAskedAt = 0; // this one may not ask
        return;
      }
      // Of an IGNORE_SPACE it is not known whose it is. Without it, more is taken for a write.
      const isOwn = hasFlag(this.#login.capabilities, CLIENT.IGNORE_SPACE);
      server.sqlMode = modeOfSqlMode(mode) & ~(isOwn ? IGNORE_SPACE : 0);
      if (isUntouched && history.length === 0) facts.begin(this.#host.mode, this.#login);
    };
    leg.send(QUESTION, new Question(firstRow, told));
  }

  /** Asks what a SET has made of them. `then` is called once they are known. */
  ask(leg: ServerLeg, then: () => void): void {
    const told = (row: Row | undefined): void => {
      settleMode(this.#context.facts, row?.[0] ?? undefined, row?.[1] ?? undefined);
      then();
    };
    leg.send(QUESTION, new Question(firstRow, told));
  }
}
