# complaints on standard error
echo "stty: not a tty" >&2
false
