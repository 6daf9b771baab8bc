import type { PairPaths } from "./pair-files.ts";

/** What to do next, with the lines to copy. */
export function afterInit(directory: string): string {
  return `Next, one certificate for each database host, with every name and address it is reached by:
  sluice certs server db1.example.com 10.0.0.1 --out db1 --dir ${directory}
one for Sluice's own listeners, with their names and the virtual address:
  sluice certs server db.example.com 10.0.0.100 --out listener --dir ${directory}
and one for each client that shows one, Sluice included:
  sluice certs client sluice --dir ${directory}
Keep ca-key.pem off the database hosts: who has it can be any of them.
`;
}

export function afterServer(hosts: readonly string[], ca: string, { cert, key }: PairPaths): string {
  const [host = ""] = hosts;
  return `As a database server's, in its my.cnf; the key must be readable by the server (chown mysql: ${key}):
  [mysqld]
  ssl-ca=${ca}
  ssl-cert=${cert}
  ssl-key=${key}
FLUSH SSL (MariaDB 10.4), ALTER INSTANCE RELOAD TLS (MySQL 8) or a restart takes it into use.

In sluice.cnf, for that server:
  [NAME]
  type=server
  address=${host}
  ssl=true
  ssl_ca=${ca}
  ssl_verify_peer_certificate=true
  ssl_verify_peer_host=true

Or as a listener's, in sluice.cnf:
  [NAME]
  type=listener
  ssl=true
  ssl_cert=${cert}
  ssl_key=${key}

Clients, in their my.cnf:
  [client]
  ssl-ca=${ca}
  ssl-verify-server-cert
`;
}

export function afterClient(name: string, authority: string, ca: string, { cert, key }: PairPaths): string {
  return `Clients that show it, in their my.cnf; the key must be readable by who runs them, and by nobody else:
  [client]
  ssl-ca=${ca}
  ssl-cert=${cert}
  ssl-key=${key}
  ssl-verify-server-cert

Where Sluice shows it to a server, in sluice.cnf:
  [NAME]
  type=server
  ssl=true
  ssl_ca=${ca}
  ssl_cert=${cert}
  ssl_key=${key}
  ssl_verify_peer_certificate=true

An account that only this certificate may use:
  ALTER USER … REQUIRE SUBJECT '/CN=${name}' AND ISSUER '${authority}';
`;
}
