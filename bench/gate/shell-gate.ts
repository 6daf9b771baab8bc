/** A gate as people write it in bash: the mysql client once a second, and one iptables rule. */
export const shellGate = (defaultsFile: string, mirrorPort: number): string => `#!/bin/bash
rule=(PREROUTING -p tcp --dport ${mirrorPort} -j REDIRECT --to-ports 3306)
while true; do
  state=$(timeout 10 mariadb --defaults-extra-file=${defaultsFile} -nNE --connect-timeout=10 -e "SHOW STATUS LIKE 'Uptime'" 2>/dev/null | tail -1)
  if [ -n "$state" ]; then
    iptables -w -t nat -C "\${rule[@]}" 2>/dev/null || iptables -w -t nat -A "\${rule[@]}"
  else
    iptables -w -t nat -D "\${rule[@]}" 2>/dev/null
  fi
  sleep 1
done
`;
