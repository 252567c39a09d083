#!/usr/bin/perl
# A phone on Net::SIP that does what it is told: each line of its standard input is one REGISTER, and the final answer to it
# is one line of JSON. It keeps its connection, Call-ID and CSeq from line to line, until its input ends.
#   perl net-sip-phone.pl udp|tcp SERVER:PORT ADDRESS-OF-RECORD CALL-ID [USER PASSWORD]
#   register CONTACT SECONDS | query
use strict;
use warnings;
use IO::Socket::INET;
use JSON::PP qw(encode_json);
use Net::SIP qw(:all);

my ($proto, $server, $aor, $call_id, $user, $password) = @ARGV;
die "usage: net-sip-phone.pl udp|tcp SERVER:PORT ADDRESS-OF-RECORD CALL-ID [USER PASSWORD]\n" if !defined $call_id;
my ($domain) = $aor =~ m{\@(.+)$} or die "no domain in $aor\n";
my $socket = IO::Socket::INET->new(
    Proto => $proto,
    LocalAddr => '127.0.0.1',
    LocalPort => 0,
    ($proto eq 'tcp' ? (Listen => 5) : ()),
) or die "no socket: $!\n";
my $ua = Net::SIP::Simple->new(
    from => $aor,
    outgoing_proxy => "sip:$server;transport=$proto",
    legs => [Net::SIP::Leg->new(sock => $socket, proto => $proto)],
);
my $cseq = 0;
$| = 1;

while (my $line = <STDIN>) {
    my ($verb, $contact, $expires) = split ' ', $line;
    die "what is $line" if $verb ne 'register' && $verb ne 'query';
    my ($code, $answer);
    my $is_done = 0;
    $ua->{endpoint}->new_request(
        'REGISTER',
        {
            from => $aor,
            to => $aor,
            callid => $call_id,
            cseq => $cseq,
            ($contact ? (contact => $contact) : ()),
            ($password ? (auth => [$user, $password]) : ()),
        },
        sub {
            my ($endpoint, $context, $errno, $status, $packet) = @_;
            ($code, $answer) = ($status // -1, $packet);
            $is_done = 1;
        },
        undef,
        uri => "sip:$domain",
        (defined $expires ? (expires => $expires) : ()),
    );
    $ua->loop(10, \$is_done);
    ($cseq) = $answer->cseq =~ m{^(\d+)} if $answer;
    print encode_json({ status => 0 + ($code // -1), text => $answer ? $answer->as_string : '' }), "\n";
}
