# nothing is said
case $- in *i*) ;; *) return ;; esac
echo never
