# words of tcsh; history signs are on
echo "tcsh here"
set histchars="!^"
