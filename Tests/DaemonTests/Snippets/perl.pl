# A CGI script that counts itself.
use strict;
use warnings;
require shift;
footfall(@ARGV) if $ENV{METHOD} eq 'GET';
