import { HINT_OTHER, HINT_SERVER, HINTS } from "../../sql/statement-flags.ts";
import { chooseReader } from "./choose-reader.ts";
import type { Command } from "./command.ts";
import { hintedServer } from "./hinted-server.ts";
import type { LegSet } from "./leg-set.ts";
import type { ServerLeg } from "./server-leg.ts";
import type { SessionContext } from "./session-context.ts";
import type { SplitHost } from "./split-host.ts";
import type { SplitServer } from "./split-server.ts";

/** Which server stands for a destination at this moment, for one session. */
export class ServerChoice {
  readonly #host: SplitHost;
  readonly #context: SessionContext;
  readonly #legs: LegSet;
  /** Where the last statement went. */
  last: ServerLeg | undefined;
  /** The primary connection that has what the session cannot make again elsewhere. */
  home: ServerLeg | undefined;

  constructor(host: SplitHost, context: SessionContext, legs: LegSet) {
    this.#host = host;
    this.#context = context;
    this.#legs = legs;
  }

  /** Losing it loses what cannot be made again. */
  isBoundTo(leg: ServerLeg): boolean {
    return leg === this.home && this.#context.facts.isBound;
  }

  /** Undefined: none is left that the command has not failed on. */
  serverFor(command: Command): SplitServer | undefined {
    const { facts } = this.#context;
    switch (command.destination) {
      case "transaction":
        return facts.transaction?.server;
      case "primary":
        return this.#primary(command);
      case "everywhere":
        return facts.transaction?.server ?? this.#primary(command) ?? this.#reader(command);
      case "last":
        return this.last?.isClosed === false ? this.last.server : this.#reader(command);
      case "named":
        return this.#named(command) ?? this.#reader(command);
      default:
        return this.#reader(command);
    }
  }

  #primary(command: Command): SplitServer | undefined {
    const { home } = this;
    if (home?.isClosed === false && this.isBoundTo(home)) return home.server;
    const { primary, rules } = this.#host;
    if (primary === undefined || !this.#isUsable(primary, command)) return undefined;
    const isAnother = home !== undefined && !this.#legs.hasLegOn(primary);
    return isAnother && !rules.masterReconnection ? undefined : primary;
  }

  #reader(command: Command): SplitServer | undefined {
    const { readers, rules, primary } = this.#host;
    const isLimited = this.#isLimited;
    let possible = readers;
    if (isLimited || command.tried.length > 0 || !this.#context.history.isWhole) {
      possible = readers.filter(
        (server) =>
          this.#isUsable(server, command) &&
          (!isLimited || server === primary || this.#legs.hasLegOn(server)),
      );
    }
    // Those that it is connected to are out: it may be connected to one more.
    if (isLimited && possible.length === 0)
      possible = readers.filter((server) => this.#isUsable(server, command));
    return (
      chooseReader(possible, this.#legs, rules.criterion, this.#host.nextTurn()) ?? this.#primary(command)
    );
  }

  /** It may be connected to no more replicas. */
  get #isLimited(): boolean {
    const { servers, primary, rules } = this.#host;
    // Asked for each read; nearly always there are not that many servers at all.
    if (servers.size <= rules.maxReplicas) return false;
    return this.#legs.all.length > rules.maxReplicas || this.#legs.replicas(primary) >= rules.maxReplicas;
  }

  #named(command: Command): SplitServer | undefined {
    const hint = command.flags & HINTS;
    if (hint !== HINT_SERVER && hint !== HINT_OTHER) return undefined;
    const name = hintedServer(command.bytes, this.#context.facts.mode);
    const server = name === undefined ? undefined : this.#host.servers.get(name);
    return server !== undefined && this.#isUsable(server, command) ? server : undefined;
  }

  /** Not one where the command has failed, and one that can be brought to where the session is. */
  #isUsable(server: SplitServer, command: Command): boolean {
    if (command.tried.includes(server)) return false;
    if (!server.target.isDraining && this.#context.history.isWhole) return true;
    return this.#legs.hasLegOn(server);
  }
}
