# a login shell with a notice
cat <<END
*************
* NOTICE    *
*************
END
[ -f ~/.bashrc ] && . ~/.bashrc
