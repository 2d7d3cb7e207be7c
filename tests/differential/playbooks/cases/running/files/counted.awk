BEGIN { print 6 * 7 }
