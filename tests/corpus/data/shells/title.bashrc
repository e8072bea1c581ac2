# a title without a line end
printf "\033]0;%s\007" "$USER@host"
