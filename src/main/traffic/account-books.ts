import { createHash } from "node:crypto";
import type { Configuration, ServiceObject } from "../../config/configuration.ts";
import type { FileAccess } from "../../config/file-access.ts";
import type { Decrypt } from "../../config/secrets.ts";
import { readAccounts } from "../../probe/accounts/read-accounts.ts";
import type { LoginFailure } from "../../proxy/login/end-login.ts";
import type { FromWorker, ToWorker } from "../../proxy/worker/messages.ts";
import type { Clock } from "../../telemetry/clock.ts";
import type { Log } from "../../telemetry/log.ts";
import type { Accounts, DatabaseGrant } from "../../topology/accounts.ts";
import { AccountBook, type RefreshRules } from "./account-book.ts";
import { accountTarget } from "./account-target.ts";
import { readAccountsFile } from "./accounts-file.ts";
import { FailedLogins } from "./failed-logins.ts";
import { mergeAccounts } from "./merge-accounts.ts";

export interface AccountBooksParts {
  readonly clock: Clock;
  readonly log: Log;
  readonly files: FileAccess;
  readonly decrypt: Decrypt;
  configuration(): Configuration;
  /** Servers of a service, the best to ask first. */
  serversOf(service: string): readonly string[];
  broadcast(message: ToWorker): void;
}

type AccountMessage = Extract<FromWorker, { type: "accounts wanted" | "login failed" | "password exposed" }>;

/**
 * The accounts by which clients log in, a book for each service that speaks the protocol itself.
 *
 *   server ─ readAccounts ─▶ AccountBook ─ accounts ─▶ workers ─ "accounts wanted", after a failed login ─▶ AccountBook
 */
export class AccountBooks {
  readonly #parts: AccountBooksParts;
  readonly #failed: FailedLogins;
  readonly #books = new Map<string, { readonly key: string; readonly book: AccountBook }>();
  /** Accounts whose clients have sent a password in the clear: told once each. */
  readonly #exposed = new Set<string>();

  constructor(parts: AccountBooksParts) {
    this.#parts = parts;
    this.#failed = new FailedLogins(parts.clock, parts.log);
  }

  /** Takes over the configuration that is now in force: a book whose account or servers have changed begins anew. */
  put(services: Iterable<string>): void {
    const wanted = new Map([...services].map((name) => [name, this.#keyOf(name)]));
    for (const [name, { key, book }] of this.#books) {
      if (wanted.get(name) === key) continue;
      book.stop();
      this.#books.delete(name);
    }
    for (const [name, key] of wanted) {
      if (this.#books.has(name)) continue;
      const book = this.#open(name);
      this.#books.set(name, { key, book });
      book.start();
    }
    this.#parts.broadcast(this.#limits);
  }

  stop(): void {
    for (const { book } of this.#books.values()) book.stop();
    this.#books.clear();
  }

  /** All that a worker that has just come has to be told. */
  messages(): readonly ToWorker[] {
    return [
      this.#limits,
      ...[...this.#books].flatMap(([service, { book }]) =>
        book.current === undefined ? [] : [{ type: "accounts" as const, service, accounts: book.current }],
      ),
    ];
  }

  current(service: string): Accounts | undefined {
    return this.#books.get(service)?.book.current;
  }

  heard(message: AccountMessage): void {
    const { service } = message;
    switch (message.type) {
      case "accounts wanted":
        this.#wanted(service);
        return;
      case "login failed":
        if (this.#service(service)?.parameters.log_auth_warnings !== false)
          this.#failed.add(service, message satisfies LoginFailure);
        return;
      case "password exposed":
        this.#exposedBy(service, message.user, message.host);
    }
  }

  #wanted(service: string): void {
    const known = this.#books.get(service);
    if (known === undefined) this.#parts.broadcast({ type: "accounts", service });
    else known.book.wanted();
  }

  #exposedBy(service: string, user: string, host: string): void {
    const key = JSON.stringify([service, user]);
    if (this.#exposed.has(key) || this.#exposed.size >= MOST_EXPOSED) return;
    this.#exposed.add(key);
    this.#parts.log.warn(
      { event: "password_exposed", service },
      `service ${service}: a client at ${host} has sent the password of ${JSON.stringify(user)} unencrypted; set ssl=true on the listener`,
    );
  }

  get #limits(): ToWorker {
    const { max_auth_errors_until_block: maxFailures } = this.#parts.configuration().sluice.parameters;
    return { type: "login limits", maxFailures };
  }

  #service(name: string): ServiceObject | undefined {
    return this.#parts.configuration().services.get(name);
  }

  #open(service: string): AccountBook {
    const { clock, log, broadcast } = this.#parts;
    return new AccountBook({
      service,
      clock,
      log,
      rules: () => this.#rules(service),
      servers: () => this.#sources(service),
      read: (server) => this.#read(service, server),
      tell: (accounts) =>
        broadcast({ type: "accounts", service, ...(accounts === undefined ? {} : { accounts }) }),
    });
  }

  async #read(serviceName: string, serverName: string): Promise<Accounts> {
    const { files, decrypt, clock, configuration } = this.#parts;
    const { servers, services, sluice } = configuration();
    const service = services.get(serviceName);
    if (service === undefined) throw new Error(`there is no ${serviceName} any more`);
    const { user_accounts_file: path } = service.parameters;
    const ofFile = path === undefined ? undefined : readAccountsFile(path, files, clock.now());
    if (ofFile !== undefined && serverName === path) return ofFile;
    const server = servers.get(serverName);
    if (server === undefined) throw new Error(`there is no ${serverName} any more`);
    const target = accountTarget(server, service, files, decrypt);
    const deadlineMs = sluice.parameters.auth_connect_timeout;
    const read = await readAccounts(target, serverName, deadlineMs, () => clock.now());
    const all = mergeAccounts(ofFile === undefined ? [read] : [read, ofFile]) ?? read;
    return {
      ...all,
      grants: service.parameters.strip_db_esc ? all.grants : all.grants.map(unescaped),
      resolvesNames: all.resolvesNames && !sluice.parameters.skip_name_resolve,
    };
  }

  /** Where only the file counts, that stands for the servers. */
  #sources(service: string): readonly string[] {
    const { user_accounts_file: path, user_accounts_file_usage: usage } =
      this.#service(service)?.parameters ?? {};
    return path !== undefined && usage === "file_only_always" ? [path] : this.#parts.serversOf(service);
  }

  #rules(service: string): RefreshRules {
    const { users_refresh_time: afterFailureMs, users_refresh_interval: everyMs } =
      this.#parts.configuration().sluice.parameters;
    return {
      afterFailureMs,
      everyMs,
      ofAllServers: this.#service(service)?.parameters.auth_all_servers ?? false,
    };
  }

  /** Equal keys: the book may go on as it is. */
  #keyOf(service: string): string {
    const object = this.#service(service);
    if (object === undefined) return "";
    const { parameters: p } = object;
    const account = [
      p.user,
      p.password && digest(p.password.reveal()),
      p.password_file,
      p.defaults_extra_file,
    ];
    const file = [p.user_accounts_file, p.user_accounts_file_usage, p.strip_db_esc];
    return JSON.stringify([...account, p.servers, p.cluster, p.targets, p.auth_all_servers, ...file]);
  }
}

/** strip_db_esc=false: a backslash in the name of a grant stands for itself. */
const unescaped = (grant: DatabaseGrant): DatabaseGrant => ({
  ...grant,
  database: grant.isPattern ? grant.database.replaceAll("\\", "\\\\") : grant.database,
});

const MOST_EXPOSED = 1000;
const digest = (text: string): string => createHash("sha256").update(text).digest("hex");
