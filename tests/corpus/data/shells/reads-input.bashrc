# a question eats the program that we bring
read -r answer
