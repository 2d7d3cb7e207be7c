#!/bin/sh
set -e
umask 022
mkdir -p sub/deeper .hidden
for size in 1 10 2000; do head -c $size /dev/zero | tr '\0' x > size-$size.log; done
echo 'needle in here' > sub/hay.txt
echo nothing > sub/deeper/other.txt
touch -d 2020-01-01 old.txt
echo h > .hidden/h.txt
ln -s size-1.log link.log
chmod 600 sub/hay.txt
touch made
