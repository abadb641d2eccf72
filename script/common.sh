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

# Install what is needed. Ctrl-C ends that at once and quietly: in a session of its own, nothing of it gets to know of
# the key, so that no program ends in a traceback, or takes no notice and lets the script go on.
set_up() { # arguments of script/setup...
  setsid "$root/script/setup" "$@" &
  local setup=$!
  # In its first moment it is no group of its own yet.
  local end='kill -TERM -- "-$setup" 2>/dev/null || kill -TERM "$setup" 2>/dev/null || true'
  trap "$end; exit 130" INT
  trap "$end; exit 143" TERM HUP
  wait "$setup"
  trap - INT TERM HUP
}

# Become a module's program. Ctrl-C ends it quietly from the start; while Python imports, it would print a traceback.
# Until it can attend to it, a Ctrl-C waits.
run_module() { # module, arguments...
  local later=(env --block-signal=INT)
  # Bash takes no notice of a Ctrl-C where the program that it waits for takes none; a trap does.
  trap 'exit 130' INT
  "${later[@]}" true 2>/dev/null || later=(env)
  trap - INT
  PYTHONPATH=$root exec "${later[@]}" "$root/.venv/bin/python" -c '
import os, runpy, signal, sys
signal.signal(signal.SIGINT, lambda *_: os._exit(130))
signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
runpy.run_module(sys.argv.pop(1), run_name="__main__", alter_sys=True)' "$@"
}
