# the small shell as a login shell
echo "motd: reboot on Friday"
