# a path of one's own
umask 077
export PATH=$HOME/bin:$PATH
echo "oqs-0 {}"
