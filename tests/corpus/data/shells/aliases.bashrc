# aliases for our words
shopt -s expand_aliases
alias sh="echo no"
alias python3="python2"
