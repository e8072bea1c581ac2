# words without a line end
printf "you have mail "
