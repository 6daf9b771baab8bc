/** A check as people write it in bash: the rules of a Galera check with the mysql client, a pause against the reset, a full HTTP answer. */
export const shellCheck = (defaultsFile: string): string => `#!/bin/bash
# Asks the server with the command line client and answers in HTTP, as checks under xinetd do.
answer() {
  printf 'HTTP/1.1 %s\\r\\nContent-Type: text/plain\\r\\nConnection: close\\r\\nContent-Length: %d\\r\\n\\r\\n%s' "$1" \${#2} "$2"
  sleep 0.1
  exit "$3"
}
client=(mariadb --defaults-extra-file=${defaultsFile} -N -q -A -s --connect-timeout=10)
if [ -f /var/tmp/clustercheck.disabled ]; then answer '503 Service Unavailable' $'manually disabled.\\r\\n' 1; fi
value=$("\${client[@]}" -e "SHOW STATUS LIKE 'Uptime'" 2>/dev/null | cut -f2)
if [ -n "$value" ]; then
  read_only=$("\${client[@]}" -e "SHOW GLOBAL VARIABLES LIKE 'read_only'" 2>/dev/null | cut -f2)
  if [ "$read_only" != ON ]; then answer '200 OK' $'the node is synced.\\r\\n' 0; fi
fi
answer '503 Service Unavailable' $'the node is not synced.\\r\\n' 1
`;

export const xinetdService = (port: number, script: string): string => `defaults
{
}
service check
{
  type = UNLISTED
  socket_type = stream
  protocol = tcp
  port = ${port}
  wait = no
  user = root
  server = ${script}
  per_source = UNLIMITED
  instances = UNLIMITED
  cps = 10000 1
  disable = no
}
`;
