# a title of zsh without a line end
print -n "\e]2;host\a"
