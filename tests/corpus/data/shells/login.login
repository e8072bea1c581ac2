# a login shell of tcsh
echo "login of tcsh"
