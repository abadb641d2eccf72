# What the scripts of this folder share; sourced by them, with $root as the checkout.

# Where -h or --help is among the arguments, give help and end, whatever is installed: the program's own, which lists
# every flag, where it can run; else the head of the script.
answer_help() { # module or "", arguments...
  local module=$1 argument asked=false
  shift
  for argument; do
    [[ $argument != -h && $argument != --help ]] || asked=true
  done
  $asked || return 0
  if [[ -n $module ]] && PYTHONPATH=$root "$root/.venv/bin/python" -m "$module" "$@" 2>/dev/null; then
    exit 0
  fi
  sed -n '2,/^[^#]/s/^# \{0,1\}//p' "$0"
  [[ -z $module ]] || printf '\nAfter script/setup --dev, --help lists every flag.\n'
  exit 0
}

# Become a module's program. Ctrl-C ends it quietly from the start; while Python imports, it would print a traceback.
run_module() { # module, arguments...
  PYTHONPATH=$root exec "$root/.venv/bin/python" -c '
import os, runpy, signal, sys
signal.signal(signal.SIGINT, lambda *_: os._exit(130))
runpy.run_module(sys.argv.pop(1), run_name="__main__", alter_sys=True)' "$@"
}
