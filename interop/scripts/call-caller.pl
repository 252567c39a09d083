#!/usr/bin/perl
# A phone on Net::SIP that calls, and hangs up when it has been answered. Prints one line for each thing that happens.
#   perl call-caller.pl SERVER:PORT FROM TO
use strict;
use warnings;
use IO::Socket::INET;
use Net::SIP qw(:all);

my ($server, $from, $to) = @ARGV;
die "usage: call-caller.pl SERVER:PORT FROM TO\n" if !defined $to;
$| = 1;
my $socket = IO::Socket::INET->new(Proto => 'udp', LocalAddr => '127.0.0.1', LocalPort => 0) or die "no socket: $!\n";
my $ua = Net::SIP::Simple->new(
    from => $from,
    outgoing_proxy => $server,
    legs => [Net::SIP::Leg->new(sock => $socket, proto => 'udp')],
);
my ($answer, $is_over);
my $call = $ua->invite(
    $to,
    init_media => $ua->rtp('media_recv_echo'),
    cb_preliminary => sub { my (undef, $code) = @_; print "preliminary $code\n" },
    cb_final => sub { my ($status, undef, %info) = @_; $answer = "$status " . ($info{code} // '') },
) or die 'no call: ' . $ua->error . "\n";
$ua->loop(10, \$answer);
print "final $answer\n";
exit 1 if $answer !~ m{^OK};
$call->bye(cb_final => sub { my ($status) = @_; $is_over = $status });
$ua->loop(10, \$is_over);
print "bye $is_over\n";
