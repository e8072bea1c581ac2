# words at the end
trap "echo bye" EXIT
