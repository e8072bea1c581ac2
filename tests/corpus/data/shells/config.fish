# words of fish
echo "fish here"
set -g fish_greeting hi
