# the shell ends before it does anything
echo "This account is not for you."
exit 1
