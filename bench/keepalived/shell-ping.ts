/** A check as people write it in bash: a list of servers from the REST API into a file, and grep for each name. */
export const SHELL_PING = `#!/bin/bash
file=/tmp/ping.$$
trap 'rm -f "$file"' EXIT
timeout 2s curl -sf --unix-socket /run/sluice/admin.sock http://localhost/v1/servers >"$file" || exit 3
grep -q db1 "$file" || exit 3
`;

/** The rendered configuration with that check in it, asked every two seconds, as such guides do. */
export function withShellPing(configuration: string, script: string): string {
  return configuration
    .replace(/^( *)script .*$/m, `$1script "${script}"`)
    .replace(/^( *)interval .*$/m, "$1interval 2")
    .replace(/^( *)timeout .*$/m, "$1timeout 2");
}
