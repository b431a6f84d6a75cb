# A web server that says on which host it runs. It needs no module but those of Debian's perl-base.
use strict;
use warnings;
use IO::Socket::INET;

$| = 1;
$SIG{TERM} = sub { exit 0 };
$SIG{ALRM} = sub { die "slow\n" };

open my $name, '<', '/run/host-name' or die "no name of the host: $!";
chomp(my $host = <$name>);
my $server = IO::Socket::INET->new(LocalPort => 8080, Listen => 16, ReuseAddr => 1) or die "port 8080: $@";
print "listening on 8080 of $host\n";

while (1) {
    my $client = $server->accept or next;
    eval { answer($client) };
    close $client;
}

# Reads a request, which may take a second, and answers it.
sub answer {
    my ($client) = @_;
    alarm 1;
    my $request = <$client> // '';
    while (defined(my $line = <$client>)) { last if $line =~ /^\r?\n$/ }
    alarm 0;
    my ($path) = $request =~ m{^GET (/[^ ]*) } or return;
    my $body = "$ENV{GREETING} from $host\n";
    print $client "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: " . length($body)
        . "\r\nConnection: close\r\n\r\n$body";
    print "$path\n" if $path ne '/up';
}
