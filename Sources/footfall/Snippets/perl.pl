# Footfall: counts a page by one UDP datagram. The page neither waits for it nor fails by it.
# Hook in CGI: require '/path/to/footfall.pl';
# footfall(@ENV{qw(REQUEST_URI REMOTE_ADDR HTTP_REFERER HTTP_USER_AGENT)}) if $ENV{REQUEST_METHOD} eq 'GET';
use strict;
use warnings;
use Digest::SHA 'hmac_sha256_hex';
use IO::Socket::IP;
use Time::HiRes 'time';

my $site = '@SITE@';
my $host = '@HOST@';
my $port = @PORT@;
my $key = '@KEY@';    # the site's key; needed where Footfall runs on another machine

# Encoded, and cut where no %HH is torn, so that all of it fits into a datagram of 1232 bytes.
sub footfall_field {
    my ($value, $size) = @_;
    $value //= '';
    utf8::encode($value) if utf8::is_utf8($value);
    $value =~ s/([^A-Za-z0-9._ -])/sprintf '%%%02X', ord $1/ge;
    $value =~ tr/ /+/;
    return substr($value, 0, $size) =~ s/%.?\z//r;
}

sub footfall {
    my ($url, $address, $referrer, $agent) = @_;
    my $head = sprintf 'f1 s=%s&i=%s&t=%.6f', $site, footfall_field($address, 64), time;
    my $tail = '&r=' . footfall_field($referrer, 200) . '&a=' . footfall_field($agent, 600);
    my $beacon = $head . '&u=' . footfall_field($url, 1194 - length "$head$tail") . $tail;
    $beacon .= '&z=' . substr hmac_sha256_hex($beacon, $key), 0, 32 if $key ne '';
    local $@;
    eval {
        my $socket = IO::Socket::IP->new(PeerHost => $host, PeerPort => $port, Proto => 'udp', Blocking => 0);
        $socket->send($beacon) if $socket;
    };
    return;
}

1;
