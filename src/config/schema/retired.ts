/** Why a parameter of MaxScale changes nothing here, where servers and listeners share the reason: it is told once. */
export const SPEAKS_MYSQL = "servers and listeners speak the MySQL protocol; leave it out";
export const BY_ACCOUNT = "each account says how it authenticates; leave it out";

/** The interface of the maxadmin command, which REST and `sluice` replace. */
export const MAXADMIN_ROUTERS: ReadonlySet<string> = new Set(["cli", "debugcli"]);
export const MAXADMIN_PROTOCOLS: ReadonlySet<string> = new Set(["maxscaled", "telnetd"]);
