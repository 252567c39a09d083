#!/usr/bin/perl
# A phone on Net::SIP that registers over TCP under a contact that nobody can reach, so that only its connection leads to it,
# and answers one call. Prints one line for each thing that happens.
#   perl call-callee.pl SERVER:PORT ADDRESS-OF-RECORD CONTACT
use strict;
use warnings;
use IO::Socket::INET;
use Net::SIP qw(:all);

my ($server, $aor, $contact) = @ARGV;
die "usage: call-callee.pl SERVER:PORT ADDRESS-OF-RECORD CONTACT\n" if !defined $contact;
my ($domain) = $aor =~ m{\@(.+)$} or die "no domain in $aor\n";
$| = 1;
my $socket = IO::Socket::INET->new(Proto => 'tcp', LocalAddr => '127.0.0.1', LocalPort => 0, Listen => 5)
    or die "no socket: $!\n";
my $ua = Net::SIP::Simple->new(
    from => $aor,
    outgoing_proxy => "sip:$server;transport=tcp",
    legs => [Net::SIP::Leg->new(sock => $socket, proto => 'tcp')],
);
my ($registered, $is_over);
$ua->{endpoint}->new_request(
    'REGISTER',
    { from => $aor, to => $aor, contact => $contact },
    sub { my (undef, undef, undef, $code) = @_; $registered = $code // -1 },
    undef,
    uri => "sip:$domain",
    expires => 300,
);
$ua->loop(10, \$registered);
print "registered $registered\n";
$ua->listen(
    init_media => $ua->rtp('media_recv_echo'),
    cb_established => sub { print "established\n" },
    recv_bye => sub { print "bye\n"; $is_over = 1 },
);
$ua->loop(20, \$is_over);
# the answer to the BYE still has to leave
$ua->loop(0.2);
