# Footfall: counts a page by one UDP datagram. The page neither waits for it nor fails by it.
# Hook in CGI: require '/path/to/footfall.pl';
# footfall(@ENV{qw(REQUEST_URI REMOTE_ADDR HTTP_REFERER HTTP_USER_AGENT)}) if $ENV{REQUEST_METHOD} eq 'GET';
use strict;
use warnings;
use Digest::SHA ();
use IO::Socket::IP ();
use Time::HiRes ();

my $site = '@SITE@';
my $host = '@HOST@';
my $port = @PORT@;
my $key = '@KEY@';    # the site's key; needed where Footfall runs on another machine

my $is_local = grep { $host eq $_ } '127.0.0.1', '::1', 'localhost';
# Bytes of a datagram, and of page and agent in it, alike for every visit; the referrer takes what is left.
my ($size, $of_page, $of_agent) = $is_local ? (8000, 3072, 1536) : (1232, 700, 320);

sub footfall {
    my ($url, $address, $referrer, $agent) = map { footfall_encode($_) } @_[0 .. 3];
    local ($@, $!);
    local $SIG{__DIE__};
    eval {
        # Escapes past ASCII, as browsers send them, need not be escaped again.
        $url =~ s/%25([89A-F][0-9A-F])/%$1/gi;
        my $beacon = sprintf 'f1 s=%s&i=%s&t=%.6f', $site, footfall_cut($address, 45, 64), Time::HiRes::time();
        $beacon .= '&u=' . footfall_cut($url, 1024, $of_page) . '&a=' . footfall_cut($agent, 512, $of_agent);
        $beacon .= '&r=' . footfall_cut($referrer, 1024, $size - 38 - length $beacon);
        $beacon .= '&z=' . substr Digest::SHA::hmac_sha256_hex($beacon, $key), 0, 32 if $key ne '';
        my $socket = IO::Socket::IP->new(PeerHost => $host, PeerPort => $port, Proto => 'udp', Blocking => 0);
        $socket->send($beacon) if $socket;
    };
    return;
}

sub footfall_encode {
    my $value = shift // '';
    utf8::encode($value) if utf8::is_utf8($value);
    $value =~ s/([^A-Za-z0-9._ -])/sprintf '%%%02X', ord $1/ge;
    return $value =~ tr/ /+/r;
}

# Encoded text, cut to so many bytes in so much room where neither a character nor a %HH is torn.
sub footfall_cut {
    my ($text, $bytes, $room) = @_;
    my ($fits) = substr($text, 0, $room) =~ /^((?:%..|[^%]){0,$bytes})/;
    return $fits eq $text ? $text : $fits =~ s/%(25.?|[C-F].|[EF].%..|F.%..%..)\z//ir;
}

1;
