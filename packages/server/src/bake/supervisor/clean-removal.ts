import { shellQuote } from '@murmur/api';

/**
 * Functions of the clean-up's program that remove, empty and change files, lift the flags that forbid it, and remember in
 * `kept` what withstood: POSIX sh. They rely on `own`.
 */
export function cleanRemoval(clientPublicKey: string): string {
  const key = shellQuote(clientPublicKey);
  return `complain() {
  case $kept in *"$1 "*) return ;; esac
  kept="$kept$1 $2
"
}

present() { [ -e "$1" ] || [ -L "$1" ]; }

# Immutable and append-only files withstand root; a folder with these flags keeps what is in it.
lift() {
  chattr -R -ia "$1"
  chattr -ia "\${1%/*}"
}

remove() {
  for path; do
    present "$path" || continue
    own "$path" || continue
    rm -rf "$path" && continue
    lift "$path"
    # Something may still be writing there.
    rm -rf "$path" || rm -rf "$path" || complain "$(first_file "$path")" 'cannot be removed'
  done
}

first_file() {
  file=$(find "$1" ! -type d | head -n 1)
  echo "\${file:-$1}"
}

# Not \`:\`, with which a shell ends when it cannot write.
empty() {
  own "$1" || return 0
  true >"$1" && return
  lift "$1"
  true >"$1" || complain "$1" 'cannot be emptied'
}

# Takes our key out of a user's file. The copy without it lies in memory and is whole before the file is touched, and what
# is written fits into the blocks that the file has: the disk may be full.
forget_key() {
  grep -qF ${key} "$1" || return 0
  copy=/run/murmur-keys
  grep -vF ${key} "$1" >"$copy"
  size=$(($(wc -c <"$copy")))
  if [ $((size + $(grep -F ${key} "$1" | wc -c))) -lt $(($(wc -c <"$1"))) ]; then
    complain "$1" 'holds a key of ours, and there is no room for a copy without it'
  elif [ "$size" = 0 ]; then
    remove "$1"
  else
    overwrite "$copy" "$1" || { lift "$1" && overwrite "$copy" "$1"; } || complain "$1" 'holds a key of ours and cannot be written'
  fi
  rm -f "$copy"
}

overwrite() { dd if="$1" of="$2" conv=notrunc && dd if=/dev/null of="$2" bs=1 seek="$size"; }
`;
}
