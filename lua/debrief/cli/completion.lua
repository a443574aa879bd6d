local output = require "debrief.cli.output"
local complete = require "debrief.cli.complete"

local completion = {
  no_folder = true,
  epilog = [[
bash:  eval "$(debrief completion bash)"        in ~/.bashrc
zsh:   eval "$(debrief completion zsh)"         in ~/.zshrc, below compinit
fish:  debrief completion fish | source         in ~/.config/fish/config.fish
`make install` installs these scripts where the shells look for them. With --
and WORDs, prints the candidates for the last word, one per line, for zsh and
fish with a tab and a description. A last line `:file` or `:folder` means that
names of files or folders are candidates too.]],
}

local scripts = {}

scripts.bash = [==[
# bash completion for debrief
_debrief_files() {
  local line word=${COMP_WORDS[COMP_CWORD]}
  [[ $word == [=:] ]] && word=
  compopt -o filenames
  while IFS= read -r line; do COMPREPLY+=("$line"); done < <(compgen "$1" -- "$word")
}
_debrief() {
  local line
  COMPREPLY=()
  while IFS= read -r line; do
    case $line in
      :file) _debrief_files -f ;;
      :folder) _debrief_files -d ;;
      *[!A-Za-z0-9_.,:=/@%+-]*) printf -v line %q "$line"; COMPREPLY+=("$line") ;;
      *[=.,]) compopt -o nospace; COMPREPLY+=("$line") ;;
      *) COMPREPLY+=("$line") ;;
    esac
  done < <("${COMP_WORDS[0]}" completion bash -- "${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null)
}
complete -F _debrief debrief
]==]

scripts.zsh = [==[
#compdef debrief
# zsh completion for debrief
_debrief() {
  local -a lines plain open
  local line name
  lines=("${(@f)$(${words[1]} completion zsh -- "${(@Q)words[2,CURRENT]}" 2>/dev/null)}")
  for line in $lines; do
    name=${${line%%$'\t'*}//:/\\:}
    case $line in
      :file) _files ;;
      :folder) _files -/ ;;
      *[=.,]$'\t'*) open+=("$name:${line#*$'\t'}") ;;
      ?*) plain+=("$name:${line#*$'\t'}") ;;
    esac
  done
  (( $#open )) && _describe debrief open -S ''
  (( $#plain )) && _describe debrief plain
  return 0
}
if [[ $funcstack[1] == _debrief ]]; then _debrief "$@"; else compdef _debrief debrief; fi
]==]

scripts.fish = [==[
# fish completion for debrief
function __debrief_complete
  set -l words (commandline -opc) (commandline -ct)
  for line in ($words[1] completion fish -- $words[2..-1] 2>/dev/null)
    switch $line
      case :file
        __fish_complete_path (commandline -ct)
      case :folder
        __fish_complete_directories (commandline -ct) ''
      case '*'
        echo -- $line
    end
  end
end
complete -c debrief -f -a '(__debrief_complete)'
]==]

function completion.options(command)
  command:argument "SHELL":target "shell":choices { "bash", "zsh", "fish" }:argname "SHELL"
    :description "bash, zsh or fish."
  command:argument "WORD":target "words":args "*":argname "WORD":description "A command line without its first word."
end

function completion.run(args)
  if #args.words == 0 then
    output.write(scripts[args.shell])
    return 0
  end
  for _, one in ipairs(complete.of(args.parser, args.words, args.shell == "bash")) do
    output.write(one.text, args.shell ~= "bash" and one.text:sub(1, 1) ~= ":" and "\t" .. one.is or "", "\n")
  end
  return 0
end

return completion
