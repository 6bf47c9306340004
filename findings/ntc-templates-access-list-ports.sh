#!/usr/bin/env bash
# ntc-templates 9.3.0, by pip.
#
# Expected: in "permit tcp any any eq www", www is the destination port, whether "show access-lists" or "show ip access-lists"
# was typed: IOS prints the same text.
# Seen: "show access-lists" puts it into source_port, where "permit tcp any eq 1024 any" has its own, so that the two kinds
# of lines cannot be told apart. "show ip access-lists" has it right.
set -eu
d=$(mktemp -d)
trap 'rm -rf "$d"' EXIT
python3 -m venv "$d/v"
"$d/v/bin/pip" install --quiet --disable-pip-version-check ntc-templates==9.3.0 2> "$d/pip.log" || { cat "$d/pip.log"; exit 2; }
"$d/v/bin/pip" freeze --disable-pip-version-check | grep -E '^(ntc[-_]templates)='
out=$("$d/v/bin/python" - 2> "$d/err.log" <<'PYTHON'
from ntc_templates.parse import parse_output
TEXT = """Extended IP access list WEB
    10 permit tcp any any eq www
    20 permit tcp any eq 1024 any
"""
rows = parse_output("cisco_ios", "show access-lists", TEXT)
print("show access-lists:", *((row["sn"], row["source_port"]) for row in rows))
rows = [row for row in parse_output("cisco_ios", "show ip access-lists", TEXT) if row["line_num"]]
print("show ip access-lists:", *((row["line_num"], row["src_port"], row["dst_port"]) for row in rows))
PYTHON
) || { cat "$d/err.log"; exit 1; }
printf '%s\n' "$out"
[ "$out" = "show access-lists: ('10', 'www') ('20', '1024')
show ip access-lists: ('10', '', 'www') ('20', '1024', '')" ]
