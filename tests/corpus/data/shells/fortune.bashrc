# a greeting for every shell
echo "Welcome to $(hostname)!"
echo "Have a nice day."
