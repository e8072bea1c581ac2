# words of zsh, before everything
print "zsh here"
setopt nounset
