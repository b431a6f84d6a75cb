/** The folder of the ledger, on hosts and in containers. */
export const LEDGER = '/var/lib/chaos-ledger'
/** Each line is an entry: see `parseLedger`. */
export const LEDGER_FILE = 'entries'

/**
 * Holds the lock of its slot for as long as it lives, which the kernel releases with its last process: whoever finds it held runs beside
 * another one of the slot, and says so in the ledger. All hosts of a bed have one kernel and one clock.
 */
const HOLD = `$SIG{TERM} = sub { note("end", ""); exit 0 }; $| = 1; use IO::Socket::INET;
sub line { open(my $file, "<", $_[0]) or return ""; my $line = <$file> // ""; chomp $line; return $line }
my $host = line("/etc/host-name"); my $slot = "$ENV{ROLLCALL_SERVICE}/$ENV{CONTAINER}";
sub note { my ($event, $other) = @_; my ($uptime) = split / /, line("/proc/uptime");
  open(my $file, ">>", "${LEDGER}/${LEDGER_FILE}") or die "ledger: $!";
  syswrite($file, join("\\t", $event, $uptime, $slot, $ENV{ROLLCALL_GENERATION}, $host, $ENV{ROLLCALL_INSTANCE}, $other) . "\\n") }
(my $name = $slot) =~ tr{/}{_}; open(my $lock, "+>>", "${LEDGER}/$name.lock") or die "lock: $!";
my $owner = flock($lock, 6) ? "" : line("${LEDGER}/$name.lock") || "? ?";
if ($owner eq "") { truncate($lock, 0); syswrite($lock, "$ENV{ROLLCALL_GENERATION} $host\\n") }
note($owner eq "" ? "begin" : "overlap", $owner); print "begun\\n";
`

/** Does nothing more. */
export const WAITS = `${HOLD}while (1) { sleep 1000 }`

/** Answers each connection with its instance, generation and revision. */
export const PAGES = `${HOLD}my $server = IO::Socket::INET->new(LocalPort => 8080, Listen => 9, ReuseAddr => 1) or die "port: $!";
while (my $client = $server->accept) { my $asked = <$client>;
  my $body = "$ENV{ROLLCALL_INSTANCE} $ENV{ROLLCALL_GENERATION} $ENV{REVISION}";
  print $client "HTTP/1.0 200 OK\\r\\nContent-Length: " . length($body) . "\\r\\n\\r\\n" . $body; close $client }`
