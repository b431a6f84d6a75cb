/**
 * Runs a program with its own controlling terminal, for a sudo with `requiretty`, but with the standard streams of its
 * parent, so that they stay binary and separate. Exits with the program's code.
 */
const PROGRAM = `
import fcntl, os, pty, signal, sys, termios, threading
master, slave = pty.openpty()
child = os.fork()
if child == 0:
    os.setsid()
    fcntl.ioctl(slave, termios.TIOCSCTTY, 0)
    os.close(master)
    os.close(slave)
    try:
        os.execvp(sys.argv[1], sys.argv[1:])
    except OSError as error:
        print(sys.argv[1] + ": " + error.strerror, file=sys.stderr, flush=True)
        os._exit(127)
def drain():
    try:
        while os.read(master, 65536):
            pass
    except OSError:
        pass
threading.Thread(target=drain, daemon=True).start()
for name in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
    signal.signal(name, lambda number, frame: os.kill(child, number))
for handle in (0, 1, 2):
    os.close(handle)
status = os.waitpid(child, 0)[1]
os._exit(os.WEXITSTATUS(status) if os.WIFEXITED(status) else 128 + os.WTERMSIG(status))
`

/** The argv that gives `argv` a terminal. Needs python3 on the host, as an installation does. */
export const withOwnTerminal = (argv: readonly string[]): readonly string[] => [
  'python3',
  '-I',
  '-c',
  PROGRAM.trim(),
  ...argv,
]
