/** The shells that completion is for. */
export const SHELLS = ["bash", "zsh", "fish"] as const;
export type Shell = (typeof SHELLS)[number];

/**
 * What each shell has to be told. The scripts know no command: they hand the words of the line to `sluice completion words`
 * and show what it prints, a word and its description a line; `:files` alone stands for names of files.
 */
export const SCRIPTS: Readonly<Record<Shell, string>> = {
  bash: `# bash completion for sluice. To load it: source <(sluice completion bash)
_sluice() {
  local line="\${COMP_LINE:0:COMP_POINT}" token="\${COMP_WORDS[COMP_CWORD]}" answer candidate prefix
  local -a words
  read -ra words <<<"$line"
  [[ $line == *[[:space:]] ]] && words+=("")
  # bash takes = and : for the ends of words: what stands before the last of them is there already.
  [[ $token == [=:] ]] && token=""
  prefix="\${words[-1]%"$token"}"
  COMPREPLY=()
  while IFS=$'\\t' read -r candidate answer; do
    if [[ $candidate == :files ]]; then
      compopt -o default
      return
    fi
    [[ $candidate == *= ]] && compopt -o nospace
    COMPREPLY+=("\${candidate#"$prefix"}")
  done < <("\${words[0]}" completion words -- "\${words[@]:1}" 2>/dev/null)
}
complete -F _sluice sluice
`,
  zsh: `#compdef sluice
# zsh completion for sluice. To load it: source <(sluice completion zsh)
_sluice() {
  local line
  local -a plain described open
  for line in "\${(@f)$("\${words[1]}" completion words -- "\${(@)words[2,CURRENT]}" 2>/dev/null)}"; do
    local word="\${line%%$'\\t'*}" description="\${line#*$'\\t'}"
    if [[ $word == :files ]]; then
      _files
      return
    elif [[ -z $word ]]; then
      continue
    elif [[ $word == *= ]]; then
      open+=("\${word//:/\\\\:}:$description")
    elif [[ -z $description ]]; then
      plain+=("$word")
    else
      described+=("\${word//:/\\\\:}:$description")
    fi
  done
  (( \${#plain} )) && compadd -a plain
  (( \${#described} )) && _describe sluice described
  (( \${#open} )) && _describe sluice open -S ''
  return 0
}
compdef _sluice sluice
`,
  fish: `# fish completion for sluice. To load it: sluice completion fish | source
function __sluice_words
    set -l typed (commandline -opc) (commandline -ct)
    set -l answer ($typed[1] completion words -- $typed[2..] 2>/dev/null)
    if test "$answer[1]" = ":files"
        __fish_complete_path (commandline -ct)
    else
        printf '%s\\n' $answer
    end
end
complete -c sluice -f -a '(__sluice_words)'
`,
};
