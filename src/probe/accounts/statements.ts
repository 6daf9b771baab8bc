/** The statements by which accounts are read. A role has no host; so does what is granted to it. */

const VARIABLES = [
  "version",
  "lower_case_table_names",
  "skip_name_resolve",
  "default_password_lifetime",
  "disconnect_on_expired_password",
  "activate_all_roles_on_login",
  "mandatory_roles",
];

export const SHOW_ACCOUNT_VARIABLES = `SHOW GLOBAL VARIABLES WHERE Variable_name IN (${VARIABLES.map((name) => `'${name}'`).join(",")})`;

/** MariaDB since 10.4: mysql.user is a view of it that shows one plugin of several, and no locks. */
export const SELECT_GLOBAL_PRIV = "SELECT User, Host, Priv FROM mysql.global_priv";

/** All columns: which there are depends on the version. */
export const SELECT_USER = "SELECT * FROM mysql.user";
export const SELECT_PASSWORD_AGES =
  "SELECT User, Host, UNIX_TIMESTAMP() - UNIX_TIMESTAMP(password_last_changed) AS age FROM mysql.user";

export const SELECT_DATABASE_GRANTS = "SELECT User, Host, Db FROM mysql.db";

/** Whoever may touch anything in a database may enter it. */
export const SELECT_OBJECT_GRANTS = [
  "SELECT DISTINCT User, Host, Db FROM mysql.tables_priv",
  "SELECT DISTINCT User, Host, Db FROM mysql.columns_priv",
  "SELECT DISTINCT User, Host, Db FROM mysql.procs_priv",
];

/** MariaDB: who has which role; of a role that has another, the host is empty. */
export const SELECT_ROLES_MAPPING = "SELECT User, Host, Role FROM mysql.roles_mapping";

/** MySQL: roles are accounts. */
export const SELECT_ROLE_EDGES =
  "SELECT FROM_USER AS RoleUser, FROM_HOST AS RoleHost, TO_USER AS User, TO_HOST AS Host FROM mysql.role_edges";
export const SELECT_DEFAULT_ROLES =
  "SELECT DEFAULT_ROLE_USER AS RoleUser, DEFAULT_ROLE_HOST AS RoleHost, USER AS User, HOST AS Host FROM mysql.default_roles";
